import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NixProfileOptions } from '../../../adapters/host/nix-profile.ts'
import type { NixosOptions } from '../../../adapters/host/nixos.ts'
import type { Generation } from '../../../core/safeswitch/target.ts'
import { ROOT } from './nix-stand.ts'

/** What changes a name, or writes one to the disk. */
export const CALLS = '/^(symlink|rename|unlink)(at|at2)?$|^fsync$'

export interface Place {
  readonly name: string
  readonly nth: number
  readonly about: string
}

export function strace(trace: string, ...more: string[]): string[] {
  return ['strace', '-f', '-y', '-qq', '-o', trace, ...more]
}

/** Moves and settles in a process of its own, which may die of it. */
export function moveApart(options: NixProfileOptions | NixosOptions, to: Generation, before: readonly string[]) {
  const own = [process.execPath, join(ROOT, 'test/fixtures/moves-a-profile.ts')]
  const [command = '', ...args] = [...before, ...own, JSON.stringify(options), JSON.stringify(to)]
  return spawnSync(command, args, {
    env: { PATH: process.env.PATH, UV_THREADPOOL_SIZE: '1' },
    encoding: 'utf8',
    timeout: 60_000,
  })
}

/** The calls that concern this profile or its roots, each numbered as strace counts: for each process by itself. */
export function placesIn(trace: string, words: readonly string[]): Place[] {
  const counts = new Map<string, number>()
  const places = new Map<string, Place>()
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    const [, thread = '', name = '', about = ''] = /^(\d+) +([a-z0-9]+)\((.*)/.exec(line) ?? []
    if (name === '') continue
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1
    counts.set(`${thread} ${name}`, nth)
    if (words.some(word => about.includes(word))) places.set(`${name} ${nth}`, { name, nth, about })
  }
  return [...places.values()]
}
