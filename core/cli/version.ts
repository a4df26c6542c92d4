import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** heald's own version: that of the nearest package.json above this file, both in the source and in a build. */
export function version(): string {
  let folder = import.meta.dirname
  for (let up = 0; up < 4; up++) {
    const file = join(folder, 'package.json')
    if (existsSync(file)) {
      const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
      if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version)
    }
    folder = dirname(folder)
  }
  return '0.0.0'
}
