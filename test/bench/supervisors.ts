import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findHierarchies } from '../../adapters/host/cgroup.ts'
import type { Status } from '../../core/api/control.ts'
import type { Entry } from '../../core/entry.ts'
import { type Site, startIn } from './site.ts'
import { type Starts, watchStarts } from './starts.ts'

/** Something that keeps processes running, and the place where these note their starts. */
export interface Supervisor {
  readonly name: string
  readonly starts: Starts
  pid(): number
}

export interface Heald extends Supervisor {
  readonly state: string
  readonly socket: string
  /** One JSON document of the command line. */
  json<T>(...words: string[]): Promise<T>
  status(): Promise<Status>
  /** All lines of the ledger, parsed. */
  entries(): Entry[]
  /** SIGKILL, and waits for the end. Services keep running. */
  killDaemon(): Promise<void>
  /** Starts the daemon and waits until it answers; milliseconds from the start of its process to the answer. */
  up(): Promise<number>
  /** Stops services and daemon. */
  down(): Promise<void>
}

export type Service = Readonly<Record<string, unknown>>

export interface More {
  /** Top-level keys of the configuration beside `services`. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Of the daemon's own environment. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Deaths are the point here: the first restart after each is at once, and no number of them is a loop. All else is as
 * by default, so incidents are opened and resolved, and everything is recorded.
 */
export const RESTLESS = {
  restart: { backoff: { base: '1ms', cap: '1ms', resetAfter: '100ms' } },
  crashLoop: { failures: 1000, within: '1s' },
}

const HEALD = join(import.meta.dirname, '../../heald.js')
const BARE_SPAWN = join(import.meta.dirname, 'peer/bare-spawn.js')
const UP_WITHIN_MS = 120_000
const CLI_WITHIN_MS = 120_000
const run = promisify(execFile)

/** A heald daemon of its own, with its state and its services, by the command line. It isn't up yet. */
export function makeHeald(
  site: Site,
  name: string,
  services: (starts: string) => Record<string, Service>,
  more: More = {},
): Heald {
  const folder = site.folder(name)
  const state = join(folder, 'state')
  const home = join(folder, 'home')
  mkdirSync(home)
  const starts = watchStarts(join(folder, 'starts'))
  const config = join(folder, 'heald.json')
  writeFileSync(config, JSON.stringify({ host: 'bench', ...more.config, services: services(starts.path) }, null, 2))
  const env = { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', TZ: 'UTC', ...more.env }
  const words = (...given: string[]) => [HEALD, ...given, '--state', state]
  let running: ReturnType<typeof startIn> | null = null

  async function json<T>(...given: string[]): Promise<T> {
    const options = { env, timeout: CLI_WITHIN_MS, maxBuffer: 64 * 1024 * 1024 }
    const { stdout } = await run(process.execPath, [...words(...given), '--json'], options).catch(error => {
      // Exit code 1 says that the thing asked about is bad; the document is there all the same.
      if (error.code === 1 && error.stdout !== '') return error as { stdout: string }
      throw new Error(`heald ${given.join(' ')}: ${error.stderr || error.stdout || error.message}`)
    })
    return JSON.parse(stdout) as T
  }

  const heald: Heald = {
    name: 'heald',
    starts,
    state,
    socket: join(state, 'heald.sock'),
    json,
    status: () => json<Status>('status'),
    pid: () => running?.pid ?? 0,
    entries() {
      const segments = join(state, 'ledger/seg')
      const text = readdirSync(segments)
        .filter(file => file.endsWith('.jsonl'))
        .sort()
        .map(file => readFileSync(join(segments, file), 'utf8'))
        .join('')
      return text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line) as Entry)
    },
    async up() {
      const { request } = await import('../../core/api/client.ts')
      const log = openSync(join(folder, 'daemon.log'), 'a')
      const fromMs = performance.now()
      running = startIn(site, [process.execPath, ...words('up', '--config', config)], log, env)
      closeSync(log)
      for (let waitedMs = 0; waitedMs < UP_WITHIN_MS; waitedMs = performance.now() - fromMs) {
        if (!running.isRunning()) break
        try {
          await request(heald.socket, 'GET', '/v1/status', undefined, { timeoutMs: 5000 })
          return performance.now() - fromMs
        } catch {
          await sleep(5)
        }
      }
      const said = readFileSync(join(folder, 'daemon.log'), 'utf8').slice(-2000)
      throw new Error(`heald was not up within ${UP_WITHIN_MS / 1000} s:\n${said}`)
    },
    async killDaemon() {
      running?.child.kill('SIGKILL')
      await running?.ended
    },
    async down() {
      if (running === null || !running.isRunning()) return
      await json('down')
      await running.ended
      running = null
    },
  }
  site.defer(() => removeGroups(state))
  // In reverse: what an orderly end left over, if it failed, is ended by pid.
  site.defer(() => starts.killAll())
  site.defer(() => heald.killDaemon())
  site.defer(async () => {
    // A daemon that is gone can't stop its services: another one adopts them first.
    if (running !== null && !running.isRunning()) await heald.up()
    await heald.down()
  })
  return heald
}

/** An orderly end leaves no control groups; if there are some, they are removed and that is told. */
function removeGroups(state: string): void {
  const { unified, memory, pids } = findHierarchies()
  const name = `heald-${createHash('sha256').update(state).digest('hex').slice(0, 8)}`
  const left = [unified, memory?.folder, pids?.folder].flatMap(base => {
    const folder = base == null ? '' : join(base, name)
    return base != null && existsSync(folder) ? [folder] : []
  })
  for (const folder of left) {
    for (const item of readdirSync(folder, { withFileTypes: true }))
      if (item.isDirectory()) rmdirSync(join(folder, item.name))
    rmdirSync(folder)
  }
  if (left.length > 0) throw new Error(`control groups were left behind: ${left.join(', ')}`)
}

/** The bare spawn loop, running. `program` gets the starts file as its last argument. */
export function startBare(site: Site, name: string, services: number, program: readonly string[]): Supervisor {
  const folder = site.folder(name)
  const starts = watchStarts(join(folder, 'starts'))
  const log = openSync(join(folder, 'peer.log'), 'a')
  const words = [BARE_SPAWN, String(services), join(folder, 'services.log'), ...program]
  const peer = startIn(site, [process.execPath, ...words, starts.path], log)
  closeSync(log)
  site.defer(() => starts.killAll())
  site.defer(async () => {
    peer.child.kill('SIGTERM')
    await peer.ended
  })
  return { name: 'bare spawn loop', starts, pid: () => peer.pid }
}
