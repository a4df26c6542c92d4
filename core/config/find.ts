import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** Where a configuration is looked for when none is named. */
export const SYSTEM_CONFIG = '/etc/heald/heald.yaml'

/** The file named by `option`, else `heald.yaml` in `folder`, else `/etc/heald/heald.yaml`; null when there is none. */
export function findConfig(option: string | undefined, folder: string): string | null {
  if (option !== undefined) return resolve(folder, option)
  return [resolve(folder, 'heald.yaml'), SYSTEM_CONFIG].find(path => existsSync(path)) ?? null
}
