import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the pictures that are checked in were drawn from, so that a test can tell when cards say something else by now. */
const FILE = join(import.meta.dirname, 'drawn.json')

export function digestOf(page: string): string {
  return createHash('sha256').update(page).digest('base64url').slice(0, 16)
}

/** By name of the picture. */
export function readDrawn(): Readonly<Record<string, string>> {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}
}

export function noteDrawn(name: string, digest: string): void {
  const all = Object.entries({ ...readDrawn(), [name]: digest }).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`)
}
