import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from './machine.ts'

/** Where an installed package and its Node are in a machine: no unit's confinement hides it. */
const PLACE = '/opt/packed'
export const PACKED_NODE = `${PLACE}/node`
export const PACKED_FRONT = `${PLACE}/node_modules/heald/heald.js`

/**
 * Puts what `npm install` of the tarball made in `folder` into a machine, with this Node. A machine has no network: npm
 * has installed it outside, with its production dependencies, from its cache or the registry.
 */
export function putPacked(machine: Machine, folder: string): void {
  cpSync(folder, join(machine.root(), PLACE), { recursive: true, verbatimSymlinks: true })
  cpSync(process.execPath, join(machine.root(), PACKED_NODE))
}
