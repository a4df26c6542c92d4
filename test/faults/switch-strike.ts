import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { has } from '../adapters/host/nix-stand.ts'
import { FIXTURES } from '../journeys/stand.ts'

/**
 * Kills heald at the n-th call that changes a name, writes to a file or flushes one below some places, whichever process
 * makes it: heald itself, nix-env, the `mv` of an activation. See test/fixtures/strikes-heald.c.
 *
 * What heald runs gets little of its environment, so the programs that matter are found first in a folder of ours, from
 * where they take the counter along. There is a `sleep` too: while `hurry` is on, its seconds are short, so that a
 * dead-man's minutes pass in some seconds.
 */
export interface Strike {
  /** What heald is to be started with. */
  readonly env: Readonly<Record<string, string>>
  /** From now on calls are counted anew, and heald `pid` ends before one of them. */
  arm(pid: number, point: Point): void
  /** Nobody is struck any more; what was counted stays. */
  disarm(): void
  /** Names of the calls since it was armed, "child" before those that heald did not make itself. */
  calls(): string[]
  hurry(isOn: boolean): void
}

export interface Point {
  /** The how manieth call; 0: none. */
  readonly at: number
  /** Only calls of these words are counted. */
  readonly which?: string
  /** Who makes the call ends with it, as in a power cut. */
  readonly isWhole?: boolean
}

const HEAD_BYTES = 16 + 192 + 4
const MOST_CALLS = 4096
const WORDS_BYTES = 192
const CARRIERS = ['env', 'nix-env', 'nix-store']

/** Why there can be no strike here; null when there can. */
export function strikeIsMissing(): string | null {
  for (const tool of ['gcc', 'flock', 'timeout']) if (!has(tool)) return `needs ${tool}`
  return existsSync('/usr/include/stdio.h') ? null : "needs the C library's headers"
}

export function makeStrike(root: string, path: string, places: readonly string[]): Strike {
  const [library, file, bin, hurried] = ['strike.so', 'strike', 'bin', 'hurry'].map(name => join(root, name)) as [
    ...[string, string, string, string],
  ]
  execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', join(FIXTURES, 'strikes-heald.c'), '-o', library])
  writeFileSync(file, Buffer.alloc(HEAD_BYTES + MOST_CALLS * WORDS_BYTES))
  mkdirSync(bin)
  const carried = { STRIKE_FILE: file, STRIKE_PLACES: places.join(':'), LD_PRELOAD: library }
  const words = Object.entries(carried).map(([name, value]) => `${name}='${value}'`)
  const program = (name: string, lines: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${lines} "$@"\n`)
    chmodSync(join(bin, name), 0o755)
  }
  const real = (name: string) =>
    execFileSync('sh', ['-c', `command -v ${name}`], { env: { PATH: path }, encoding: 'utf8' }).trim()
  for (const name of CARRIERS.filter(has)) program(name, `export ${words.join(' ')}\nexec ${real(name)}`)
  program('sleep', `[ "$1" != 1 ] || ! [ -e ${hurried} ] || set -- 0.005\nexec ${real('sleep')}`)
  // The folder of the shell is the first in which a dead-man looks for its programs.
  program('sh', `exec ${real('sh')}`)

  const put = (bytes: Buffer, at: number) => {
    const fd = openSync(file, 'r+')
    writeSync(fd, bytes, 0, bytes.length, at)
    closeSync(fd)
  }

  return {
    env: { ...carried, PATH: `${bin}:${path}` },
    arm(pid, { at, which = '', isWhole = false }) {
      const head = Buffer.alloc(HEAD_BYTES)
      head.writeUInt32LE(at, 4)
      head.writeInt32LE(pid, 8)
      head.writeUInt32LE(isWhole ? 1 : 0, 12)
      head.write(which, 16)
      put(head, 0)
    },
    disarm: () => put(Buffer.alloc(4), 4),
    calls() {
      const bytes = Buffer.alloc(HEAD_BYTES + MOST_CALLS * WORDS_BYTES)
      const fd = openSync(file, 'r')
      readSync(fd, bytes, 0, bytes.length, 0)
      closeSync(fd)
      const count = Math.min(bytes.readUInt32LE(0), MOST_CALLS)
      return Array.from({ length: count }, (_, n) => {
        const from = HEAD_BYTES + n * WORDS_BYTES
        return bytes.toString('utf8', from, bytes.indexOf(0, from))
      })
    },
    hurry(isOn) {
      if (isOn) writeFileSync(hurried, '')
      else rmSync(hurried, { force: true })
    },
  }
}
