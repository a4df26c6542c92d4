import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { findHierarchies } from '../../../adapters/host/cgroup.ts'
import { createProcessHost, type OwnProcesses, type ProcessSeat } from '../../../adapters/host/process.ts'
import type { ServiceSpec } from '../../../core/config/spec.ts'
import type { Ended } from '../../../core/heal/host.ts'

export interface Seated {
  readonly seat: ProcessSeat
  /** Every end that was reported, oldest first. */
  readonly ends: Ended[]
  /** Resolves with the end number `n` (from 0). */
  end(n?: number): Promise<Ended>
}

export type SeatStand = ReturnType<typeof makeSeatStand>

export function specOf(name: string, run: readonly string[], more: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name,
    run,
    cwd: '/',
    env: {},
    dependsOn: [],
    probes: {},
    restart: { firstMs: 0, baseMs: 200, capMs: 30_000, resetAfterMs: 60_000 },
    crashLoop: { failures: 3, withinMs: 60_000 },
    stop: { signal: 'SIGTERM', timeoutMs: 1000 },
    limits: {},
    logs: { maxBytes: 1 << 20, keep: 2 },
    critical: false,
    ...more,
  }
}

/** A temporary state folder and what is needed to seat services in it, as often as wanted: each host is "a daemon". */
export function makeSeatStand(t: TestContext) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'heald-host-')))
  const state = join(root, 'state')
  const warnings: string[] = []
  const seats: ProcessSeat[] = []
  const mark = root.slice(-6)
  const groupName = `heald-${createHash('sha256').update(state).digest('hex').slice(0, 8)}`
  const { unified, memory, pids } = findHierarchies()
  const groups = [unified, memory?.folder, pids?.folder].flatMap(base => (base ? [join(base, groupName)] : []))

  const host = (): OwnProcesses => createProcessHost({ state, warn: text => warnings.push(text) })

  async function seat(on: OwnProcesses, spec: ServiceSpec): Promise<Seated> {
    const ends: Ended[] = []
    const marked = { ...spec, env: { ...spec.env, HEALD_MARK: mark } }
    const made = await on.seat(marked, end => ends.push(end.evidence()))
    seats.push(made)
    return { seat: made, ends, end: (n = 0) => wait(`end ${n} of ${spec.name}`, () => ends[n]) }
  }

  async function wait<T>(what: string, look: () => T, timeoutMs = 30_000): Promise<NonNullable<T>> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const found = look()
      if (found !== undefined && found !== null && found !== false) return found
      assert.ok(performance.now() < deadline, `waited ${timeoutMs} ms for: ${what}\nwarnings: ${warnings.join('\n')}`)
      await sleep(5)
    }
  }

  /** Live processes of this stand; launching shells are told by their last argument but the program's. */
  function processes(options: { launchers?: boolean } = {}): number[] {
    return allPids().filter(pid => {
      if (!read(`/proc/${pid}/environ`).includes(`HEALD_MARK=${mark}\0`)) return false
      return options.launchers === true || !read(`/proc/${pid}/cmdline`).split('\0').includes('heald')
    })
  }

  /** The shells that wait. */
  const standbys = () => processes({ launchers: true }).filter(pid => !processes().includes(pid))

  t.after(async () => {
    for (const each of seats) each.release()
    for (let round = 0; round < 100; round += 1) {
      const left = processes({ launchers: true })
      for (const pid of left) signal(pid, 'SIGKILL')
      for (const folder of groups) removeTree(folder)
      if (left.length === 0 && groups.every(folder => !existsSync(folder))) break
      await sleep(20)
    }
    rmSync(root, { recursive: true, force: true })
  })

  return {
    ...{ root, state, mark, groups, warnings, host, seat, wait, processes, standbys },
    log: (name: string) => read(join(state, 'logs', `${name}.log`)),
    run: (name: string) => join(state, 'run', name),
    /** A program file that can be started. */
    program(name: string, text: string): string {
      const path = join(root, name)
      writeFileSync(path, text, { mode: 0o755 })
      return path
    },
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  assert.ok(Math.abs(pid) > 1, `${pid} is no process of a test`)
  try {
    process.kill(pid, name)
  } catch {
    // Gone already.
  }
}

export function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

export function isAlive(pid: number): boolean {
  const state = read(`/proc/${pid}/stat`).split(') ')[1]?.[0]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
}

function removeTree(folder: string): void {
  if (!existsSync(folder)) return
  const inner = readdirSync(folder, { withFileTypes: true }).filter(item => item.isDirectory())
  for (const path of [...inner.map(item => join(folder, item.name)), folder]) {
    try {
      rmdirSync(path)
    } catch {
      // Busy: the next round tries again.
    }
  }
}
