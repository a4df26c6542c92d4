import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PROGRAM = new URL('agent.js', import.meta.url)

/** A release of the sample: its program and its settings, which a bad one was packed without. */
export function writeRelease(folder: string, name: string, isBad = false): void {
  mkdirSync(folder, { recursive: true })
  // Its ending says that it is a module: outside of heald's own folder no package.json does.
  writeFileSync(join(folder, 'agent.mjs'), `// ${name}\n${readFileSync(PROGRAM, 'utf8')}`)
  if (!isBad) writeFileSync(join(folder, 'settings.json'), `{ "greeting": "hello from ${name}" }\n`)
}

/** A folder with the releases r1, r2 and r3, of which r2 is bad and r1 runs. */
export function writeSite(site: string): void {
  for (const name of ['r1', 'r2', 'r3']) writeRelease(join(site, 'releases', name), name, name === 'r2')
  symlinkSync('releases/r1', join(site, 'current'))
}
