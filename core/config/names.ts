import type { Path } from './document.ts'
import type { Complaint } from './explain.ts'

/** Only such a name may be repeated in words about another key: any other can be a secret, or move the cursor. */
export function isUsableName(name: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(name)
}

/** Services and targets are named alike: their names become folders, file names and words in a chat. */
export function checkName(name: string, path: Path, what: 'service' | 'target'): Complaint[] {
  if (isUsableName(name)) return []
  const example = what === 'service' ? 'web-1' : 'app'
  const hint = `use up to 63 small letters, digits and dashes, the first not a dash, like ${example}`
  return [{ path, message: `is not a usable name for a ${what}`, hint, on: 'key' }]
}
