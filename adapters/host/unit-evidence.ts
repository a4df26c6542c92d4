import { constants } from 'node:os'
import type { End, Ended, Remains } from '../../core/heal/host.ts'
import { BusError } from './bus-call.ts'
import type { KernelLog } from './kernel-log.ts'
import { pathOf, type SystemdBus } from './systemd-bus.ts'
import { leftDown } from './unit-news.ts'
import type { UnitView } from './unit-view.ts'

/** The end of a run; `ended`: how it ended, null: nobody saw that. `fellWith`: the unit that it fell with, if it fell with one. */
export function endOf(pid: number, ended: UnitView | null, kernelLog: KernelLog, fellWith: string | null): End {
  const fall = fellWith === null ? {} : { fellWith }
  const unseen = { pid, exit: 'unknown', result: 'unseen', oom: false, tail: '', ...fall } as const
  if (ended === null) return { ...fall, evidence: () => unseen }
  const more = ended.result === 'dependency' ? fall : {}
  return { leftDown: leftDown(ended), ...more, evidence: () => ({ ...evidenceOf(pid, ended, kernelLog), ...more }) }
}

/** The end of a start that came to nothing. `downFor`: why it is not tried again; `fellWith`: the unit that did not come back. */
export function endOfStart(why: string, downFor: string | null, fellWith: string | null): End {
  return {
    leftDown: downFor === null ? null : { why: downFor, isTrouble: true },
    ...(fellWith === null ? {} : { fellWith }),
    evidence: () => ({ pid: 0, exit: 'unknown', oom: false, launchError: why, tail: '' }),
  }
}

/** What systemd and the kernel's log say of a run that has ended; what it wrote comes later. */
export function evidenceOf(pid: number, view: UnitView, kernelLog: KernelLog): Ended {
  const { exitKind, exitStatus, result } = view
  const name = Object.entries(constants.signals).find(([, number]) => number === exitStatus)?.[0]
  const isSignal = exitKind === KILLED || exitKind === DUMPED
  // Where systemd can't know (control groups of the first version), the kernel's log still does.
  const oom =
    result === 'oom-kill' || (isSignal && name === 'SIGKILL' && kernelLog.whatWasKilled(pid, null) === 'itself')
  const evidence = { pid, oom, result, tail: '' }
  if (exitKind === EXITED) return { ...evidence, exit: 'code', exitCode: exitStatus }
  if (isSignal && name !== undefined) return { ...evidence, exit: 'signal', signal: name as NodeJS.Signals }
  return { ...evidence, exit: 'unknown' }
}

/** What a run leaves: the end of what it wrote and, where systemd keeps it, the most memory that it held; null: nothing. */
export async function remainsOf(
  { bus, tail }: { readonly bus: SystemdBus; readonly tail: (run: string) => Promise<string> },
  { unit, run, hasPeak }: { readonly unit: string; readonly run: string; readonly hasPeak: boolean },
): Promise<Remains | null> {
  // Asked before any start of ours, with which it is forgotten.
  const asked = hasPeak ? peakOf(bus, unit, run) : undefined
  const [words, rssBytes] = await Promise.all([tail(run).catch(() => ''), asked])
  if (rssBytes !== undefined) return { tail: words, rssBytes }
  return words === '' ? null : { tail: words }
}

/** The most memory that the run `run` held at once; undefined where systemd does not know, or has begun another one. */
async function peakOf(bus: SystemdBus, unit: string, run: string): Promise<number | undefined> {
  const path = pathOf(unit)
  try {
    // In this order: the name of the run tells whose the figure was.
    const asked = [bus.property(path, 'Service', 'MemoryPeak'), bus.property(path, 'Unit', 'InvocationID')]
    const [peak, now] = await Promise.all(asked)
    // 2^64 - 1 means: not known.
    const isKnown = Number(peak) > 0 && Number(peak) < 1e18
    return isKnown && Buffer.isBuffer(now) && now.toString('hex') === run ? Number(peak) : undefined
  } catch {
    return undefined
  }
}

/** Of waitid(2), as systemd passes them on. */
const EXITED = 1
const KILLED = 2
const DUMPED = 3

/** Why a start came to nothing, by the result of its job. */
export function whyNotStarted(result: string): string {
  if (result === 'dependency') return 'a unit that it requires could not be started'
  if (result === 'done' || result === 'skipped') return 'systemd left it out: a condition of the unit is not met'
  return `systemd could not start it (${result})`
}

export function wordsOf(error: unknown): string {
  return error instanceof BusError ? error.message : String(error)
}
