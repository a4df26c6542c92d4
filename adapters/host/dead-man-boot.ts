import { DEAD_MAN_NAME } from './activation-end.ts'
import { SCRIPT } from './dead-man-words.ts'
import { exported, quoted } from './shell-words.ts'

/**
 * What a boot in the middle of a switch finds: the same dead-man as a file for `sh`, which does at once what the one that
 * went down with the machine waited for. Units of ours run it before any service (core/install/unit-text.ts), so it moves
 * the pointer alone; heald then says the rest.
 */
export function bootFile(sh: string, env: Readonly<Record<string, string>>, words: readonly string[]): string {
  const needed = Object.fromEntries(Object.entries(env).filter(([name]) => NEEDED.test(name)))
  return `# heald: leads a target back when the machine was booted in the middle of a switch
${exported(needed)}exec ${[sh, '-c', SCRIPT, DEAD_MAN_NAME, ...words].map(quoted).join(' ')}
`
}

/** Others may hold secrets, which are not to be written to a disk. */
const NEEDED = /^(PATH|LANG|HOME|USER|HEALD_[A-Z]+|NIX_[A-Z_]+_DIR|NIX_REMOTE)$/
