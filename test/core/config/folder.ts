import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { HostFacts } from '../../../core/config/facts.ts'

/** A host that can do everything. */
export const ABLE: HostFacts = { isRoot: true, canLimit: { memory: true, pids: true } }

/** A folder of the test's own, removed after it. */
export function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'heald-config-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file with these bytes, in a folder of its own. */
export function writeConfig(t: TestContext, content: string | Uint8Array, name = 'heald.yaml'): string {
  const path = join(freshFolder(t), name)
  writeFileSync(path, content)
  return path
}
