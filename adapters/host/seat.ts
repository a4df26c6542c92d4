import type { ChildProcess } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import type { ServiceSpec } from '../../core/config/spec.ts'
import type { Adopted, End } from '../../core/heal/host.ts'
import { watchAdopted } from './adopted.ts'
import { makeGroups, type Population, populationOf, type SlotGroups } from './cgroup.ts'
import { findEarlier, sweepLeftovers } from './earlier.ts'
import { makeGround } from './ground.ts'
import {
  groupAlive,
  howEnded,
  type Instance,
  isTreeEmpty,
  killUntilEmpty,
  remains,
  sendSignal,
  TAIL_BYTES,
} from './instance.ts'
import { logSize, readTail } from './logs.ts'
import { planStandby } from './plan.ts'
import { TICKS_PER_SECOND } from './proc.ts'
import type { HostShared, ProcessSeat } from './process.ts'
import type { RotatedLog } from './rotation.ts'
import { launchDigest, type RunFile } from './run-file.ts'
import { logPathOf, removeSlot, SLOTS, type SlotFile, type SlotName, slotPath } from './slot.ts'
import { type ForkedStandby, forkStandby, type LaunchPlan, launchError, launchFailure } from './standby.ts'

/**
 * One service's place on the host. It has two slots, `a` and `b`, each with a FIFO, a pid file and control groups of
 * its own: while an instance lives in one, its standby waits in the other, so that killing the tree of the first never
 * touches the second.
 */
export type OwnedSeat = ProcessSeat & RotatedLog & { clear(): Promise<void> }

interface Standby extends ForkedStandby {
  readonly slot: SlotName
  readonly plan: LaunchPlan
  readonly groups: SlotGroups
  readonly launch: string
  readonly population: Population | null
}

const SETTLE_MS = 2000
const REARM_MS = 5000
const REARM_CAP_MS = 300_000

export async function makeSeat(shared: HostShared, first: ServiceSpec, onEnd: (end: End) => void): Promise<OwnedSeat> {
  const { name } = first
  const logPath = logPathOf(shared, name)
  const path = (slot: SlotName, kind: SlotFile) => slotPath(shared, name, slot, kind)
  const fifoFds = new Map<SlotName, number>()
  let spec = first
  /** What was described last; `spec` once its user has been looked up. */
  let described = first
  let running: Instance | null = null
  /** The instance before, until its tree is known to be empty. */
  let last: Instance | null = null
  let standby: Standby | null = null
  /** The standby dropped last: its control group can't be removed before it has ended. */
  let dropped: ChildProcess | null = null
  let armAsked = false
  let rearmMs = REARM_MS
  let released = false

  const ground = makeGround(shared, name)
  await ground.prepare(spec)

  function fifoFd(slot: SlotName): number {
    const fd = fifoFds.get(slot) ?? openSync(path(slot, 'fifo'), constants.O_RDONLY | constants.O_NONBLOCK)
    fifoFds.set(slot, fd)
    return fd
  }

  /** Forks a shell that waits in the slot that is free. Throws with words where that is impossible. */
  function fork(): Standby {
    const account = ground.stand(spec)
    const slot: SlotName = (running ?? last)?.slot === 'a' ? 'b' : 'a'
    const groups = makeGroups(shared.hierarchies, shared.groupName, `${name}.${slot}`, spec.limits)
    const plan = planStandby(shared, spec, account, slot, groups)
    launchError(fifoFd(slot), plan) // Empties what an earlier launch may have left.
    const population = populationOf(groups)
    const { cwd, argv, pidPath } = plan
    const kept = { slot, plan: { cwd, argv, pidPath }, groups, population, launch: launchDigest(spec) }
    const forked = { ...forkStandby(plan), ...kept }
    const { child } = forked
    child.unref()
    child.once('error', error => ended(forked, null, null, `no process could be forked: ${error.message}`))
    child.once('exit', (code, signal) => ended(forked, code, signal))
    return forked
  }

  function ended(from: Standby, code: number | null, signal: NodeJS.Signals | null, why?: string): void {
    from.drop()
    if (released) return
    if (standby === from) {
      standby = null
      from.population?.close()
      armLater()
      return
    }
    if (running?.child !== from.child) return
    const instance = settle(running)
    onEnd({
      ...(code === null ? {} : { exitCode: code }),
      evidence: () => {
        const failed = why ?? (signal === null && code !== 0 ? whyNotLaunched(from, instance) : undefined)
        return {
          ...howEnded(code, signal),
          ...remains(instance, logPath, shared.kernelLog, code !== 0),
          ...(failed === undefined ? {} : { launchError: failed }),
        }
      },
    })
  }

  function whyNotLaunched(from: Standby, instance: Instance): string | undefined {
    const { logFrom, logTo } = instance
    const lastWords = () =>
      readTail(logPath, logFrom, logTo ?? logSize(logPath), 1024)
        .trim()
        .split('\n')
        .at(-1) ?? ''
    return launchFailure(fifoFd(from.slot), from.plan, lastWords)
  }

  /** The main process has gone: what it leaves behind becomes `last`. */
  function settle(instance: Instance): Instance {
    instance.unwatch()
    if (instance.population === null) instance.groupGone = !groupAlive(instance.pid)
    last = instance
    running = null
    return instance
  }

  function armLater(): void {
    setTimeout(arm, rearmMs).unref()
    rearmMs = Math.min(rearmMs * 2, REARM_CAP_MS)
  }

  function arm(): void {
    if (armAsked || released) return
    armAsked = true
    shared.armSoon(() => {
      armAsked = false
      if (released) return
      // What is only there to be faster must not take the descriptors that orders and ends need.
      if (!shared.hasRoom()) return armLater()
      if (standby !== null) return
      try {
        standby = fork()
      } catch {
        armLater()
        // The next start says why: it forks again and reports the failure as the service's own.
        void ground.prepare(spec)
      }
    })
  }

  function dropStandby(): void {
    if (standby === null) return
    dropped = standby.child
    standby.population?.close()
    standby.drop()
    // Its successor in the slot waits at the same FIFO: the byte must never be taken by this one.
    standby.child.kill('SIGKILL')
    standby = null
  }

  const seat: OwnedSeat = {
    logPath,
    logLimits: () => spec.logs,
    async adopt() {
      const earlier = await findEarlier(shared, name, SETTLE_MS)
      if (earlier !== null) return takeOver(earlier.slot, earlier.found)
      await sweepLeftovers(shared, name, SETTLE_MS)
      return null
    },
    start() {
      let ready: Standby
      const warm = standby !== null
      try {
        ready = standby ?? fork()
      } catch (error) {
        void ground.prepare(spec)
        const why = error instanceof Error ? error.message : String(error)
        setImmediate(() =>
          onEnd({ evidence: () => ({ pid: 0, exit: 'unknown', oom: false, launchError: why, tail: '' }) }),
        )
        return { pid: 0, standby: false }
      }
      // Only now: a cold start takes the slot that `last` did not have, whose evidence may not have been taken yet.
      const before = last
      last = null
      standby = null
      // Before the byte: on a busy host the new instance can have written, and ended, before this goes on.
      const logFrom = logSize(logPath)
      ready.go()
      const pid = ready.child.pid ?? 0
      if (before !== null) before.logTo = logFrom
      before?.population?.close()
      running = { ...ready, pid, logFrom, logTo: null, unwatch: () => {}, groupGone: false }
      rearmMs = REARM_MS
      return { pid, standby: warm }
    },
    arm,
    async describe(next) {
      described = next
      if (next.user !== spec.user) await ground.prepare(next)
      // One that was described later takes the place, also when its user was found sooner.
      if (described !== next) return
      const isSame = launchDigest(spec) === launchDigest(next)
      spec = next
      if (isSame || standby === null) return
      dropStandby()
      arm()
    },
    runs: other => running === null || running.launch === undefined || running.launch === launchDigest(other),
    signal(signal) {
      if (running !== null && running.pid > 0) sendSignal(running.pid, signal)
    },
    isEmpty: () => running === null && (last === null || isTreeEmpty(last)),
    killTree: timeoutMs => killUntilEmpty(name, () => (seat.isEmpty() ? null : (running ?? last)), timeoutMs),
    account: () => ground.account(spec),
    release() {
      released = true
      dropStandby()
      running?.unwatch()
      for (const instance of [running, last]) instance?.population?.close()
      for (const fd of fifoFds.values()) closeSync(fd)
      fifoFds.clear()
    },
    async clear() {
      seat.release()
      const shell = dropped
      if (shell !== null && shell.exitCode === null && shell.signalCode === null) {
        shell.kill('SIGKILL')
        await new Promise(resolve => shell.once('exit', resolve))
      }
      for (const slot of SLOTS) removeSlot(shared, name, slot)
    },
  }
  return seat

  function takeOver(slot: SlotName, found: RunFile): Adopted {
    const unwatch = watchAdopted(found.pid, found.startTime, path(slot, 'fifo'), () => {
      settle(instance)
      // Whether a signal ended it can't be known; memory is asked all the same.
      onEnd({ evidence: () => ({ exit: 'unknown', ...remains(instance, logPath, shared.kernelLog, true) }) })
    })
    const logFrom = Math.max(0, logSize(logPath) - TAIL_BYTES)
    const instance: Instance = {
      slot,
      pid: found.pid,
      groups: found.groups,
      launch: found.launch,
      child: null,
      logFrom,
      logTo: null,
      population: populationOf(found.groups),
      unwatch,
      groupGone: false,
    }
    running = instance
    return { pid: found.pid, startTime: found.startTime, startedMonoMs: (found.startTime * 1000) / TICKS_PER_SECOND }
  }
}
