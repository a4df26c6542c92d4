import { createHash } from 'node:crypto'
import { closeSync, constants, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServiceSpec } from '../../core/config/spec.ts'
import type { End, Launch, ProcessHost, Seat } from '../../core/heal/host.ts'
import { findHierarchies, type Hierarchies, removeGroup } from './cgroup.ts'
import { type KernelLog, openKernelLog } from './kernel-log.ts'
import { endOther, forgetOther, otherNames } from './others.ts'
import { startRotation } from './rotation.ts'
import { makeSeat, type OwnedSeat } from './seat.ts'

export interface ProcessHostOptions {
  /** The state folder: `run/` and `logs/` are made in it. */
  readonly state: string
  /** Told of trouble that stops nothing: a log that can't be rotated, a group that can't be made. */
  readonly warn: (text: string) => void
}

/** What every seat of this host shares. */
export interface HostShared {
  readonly runDir: string
  readonly logDir: string
  readonly boot: string
  readonly hierarchies: Hierarchies
  /** Name of our group below our own: one for each state folder. */
  readonly groupName: string
  readonly kernelLog: KernelLog
  readonly warn: (text: string) => void
  /** Whether there are descriptors to spare. */
  readonly hasRoom: () => boolean
  /** Asks for a standby, soon: forks are spread so that they never hold up a restart. */
  readonly armSoon: (arm: () => void) => void
}

/** The seat of a service whose processes are our own children: it starts at once. */
export type ProcessSeat = Omit<Seat, 'start'> & { start(): Launch }

export interface OwnProcesses extends ProcessHost {
  seat(spec: ServiceSpec, onEnd: (end: End) => void): Promise<ProcessSeat>
}

/** Time for a restarted service to get going before the daemon forks its next standby. */
const ARM_DELAY_MS = 100
const ARM_SPACING_MS = 2

/** Processes of this host, as the supervisor sees them. */
export function createProcessHost(options: ProcessHostOptions, kernelLog = openKernelLog()): OwnProcesses {
  const runDir = join(options.state, 'run')
  const logDir = join(options.state, 'logs')
  mkdirSync(runDir, { recursive: true, mode: 0o700 })
  mkdirSync(logDir, { recursive: true, mode: 0o750 })
  const shared: HostShared = {
    runDir,
    logDir,
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    hierarchies: findHierarchies(),
    groupName: `heald-${createHash('sha256').update(options.state).digest('hex').slice(0, 8)}`,
    kernelLog,
    warn: options.warn,
    hasRoom: descriptorRoom(),
    armSoon: pacedQueue(),
  }
  const seats = new Map<string, OwnedSeat>()
  /** Of earlier daemons, with a place that is to be forgotten unless it is seated again. */
  const ended = new Set<string>()
  startRotation(() => seats.values(), options.warn)

  return {
    async seat(spec: ServiceSpec, onEnd: (end: End) => void): Promise<ProcessSeat> {
      ended.delete(spec.name)
      const seat = await makeSeat(shared, spec, onEnd)
      seats.set(spec.name, seat)
      return seat
    },
    others: known => otherNames(shared, known),
    async endOther(name) {
      const pid = await endOther(shared, name)
      ended.add(name)
      return pid
    },
    forgetOther(name) {
      if (ended.delete(name)) forgetOther(shared, name)
    },
    async remove(name) {
      const seat = seats.get(name)
      seats.delete(name)
      await seat?.clear()
      if (seats.size > 0) return
      const { unified, memory, pids } = shared.hierarchies
      for (const base of [unified, memory?.folder, pids?.folder]) if (base) removeGroup(join(base, shared.groupName))
    },
  }
}

/** Kept free of standbys and hints: connections, logs, probes, the ledger. */
const RESERVED_DESCRIPTORS = 100

/** The kernel gives the lowest number that is free, so a new descriptor tells how many are in use. */
function descriptorRoom(): () => boolean {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? Number.NaN)
  if (Number.isNaN(limit)) return () => true
  return () => {
    try {
      const fd = openSync('/dev/null', constants.O_RDONLY)
      closeSync(fd)
      return fd < limit - RESERVED_DESCRIPTORS
    } catch {
      return false
    }
  }
}

/** Runs what it is given one at a time, a little later; the newest request of a burst waits behind the older ones. */
function pacedQueue(): (run: () => void) => void {
  const waiting: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined
  const next = () => {
    waiting.shift()?.()
    timer = waiting.length > 0 ? setTimeout(next, ARM_SPACING_MS) : undefined
    timer?.unref()
  }
  return run => {
    waiting.push(run)
    if (timer !== undefined) return
    timer = setTimeout(next, ARM_DELAY_MS)
    timer.unref()
  }
}
