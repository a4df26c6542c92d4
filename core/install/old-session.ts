import { existsSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Warnings, for people, about sessions of WhatsApp in `folders`. Before its unit had a folder of its own the bot kept them;
 * nothing uses such a one any more, but WhatsApp still lets in whoever has it.
 */
export function oldSessions(folders: readonly string[]): string[] {
  const left = [...new Set(folders)].filter(folder =>
    ['session', 'paired'].some(name => existsSync(join(folder, name))),
  )
  return left.map(
    folder => `${folder} holds an old session of WhatsApp: who reads it can write as that number, and nothing uses it.
  Unlink that device on the telephone (Linked devices), then: rm -r ${folder}
`,
  )
}
