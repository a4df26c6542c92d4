import { constants } from 'node:os'
import { formatDuration } from '../config/duration.ts'
import { formatSize } from '../config/size.ts'
import type { Ended } from './host.ts'
import { oneLine } from './probe/verdict.ts'

/** What is known about the end of a service's process. */
export interface Evidence {
  readonly ended: Ended
  /** Somebody, or the configuration, had asked for this end. */
  readonly wantedStop: boolean
  /** Why heald killed it, if it did. */
  readonly killedBy?: 'liveness' | 'startup' | 'operator' | 'stop timeout'
  readonly uptimeMs: number
  readonly memoryLimitBytes?: number
  /** The last line it wrote. Left out where text of the service must stay erasable. */
  readonly lastLine?: string
  /** The kernel's log says that the whole host was out of memory when it killed this. */
  readonly hostOom?: boolean
  /** For `liveness`: how often in a row, and for how long, its check had failed, and what it last said. */
  readonly hang?: { readonly misses: number; readonly forMs: number; readonly error?: string | null }
  /** For `startup`: the time it had, and what the check last said. */
  readonly startup?: { readonly startupMs: number; readonly error?: string | null }
  /** For `stop timeout`: what it was asked with, and the time it had. */
  readonly stop?: { readonly signal: NodeJS.Signals; readonly timeoutMs: number }
  /** It ended while no heald ran. */
  readonly away?: boolean
}

const LAST_LINE_LIMIT = 120

/** Puts an end into words, without the service's name: "killed by SIGKILL, sent from outside heald, after 4 m 2 s". */
export function diagnose(evidence: Evidence): string {
  const said = oneLine(evidence.lastLine ?? '').slice(0, LAST_LINE_LIMIT)
  return said === '' ? cause(evidence) : `${cause(evidence)}; it last wrote: ${said}`
}

function cause(evidence: Evidence): string {
  const { ended, killedBy } = evidence
  const after = `after ${formatDuration(evidence.uptimeMs)}`
  if (ended.launchError !== undefined) return `could not be started: ${oneLine(ended.launchError)}`
  if (killedBy === 'liveness') return `${hung(evidence)} and was killed by heald${alsoOutOfMemory(evidence)}`
  if (killedBy === 'startup') return `${notReady(evidence)} and was killed by heald${alsoOutOfMemory(evidence)}`
  if (killedBy === 'stop timeout') return `${notStopped(evidence)} and was killed by heald`
  if (killedBy === 'operator') return `stopped as asked ${after}`
  if (evidence.wantedStop) return `stopped as asked ${after}${ending(ended)}`
  if (ended.oom || evidence.hostOom === true) return outOfMemory(evidence, after)
  const bySystemd = ofSystemd(ended, after)
  if (bySystemd !== null) return bySystemd
  if (ended.exit === 'unknown') {
    return evidence.away === true
      ? 'ended while heald was away; exit code unknown'
      : `ended ${after}; exit code unknown, since an earlier heald had started it`
  }
  if (ended.exit === 'signal') return bySignal(ended.signal, after)
  return byCode(ended.exitCode ?? 0, after)
}

function hung({ hang }: Evidence): string {
  if (hang === undefined) return 'did not answer its health check'
  const times = hang.misses === 1 ? 'once' : `${hang.misses} times`
  return `did not answer its health check ${times} in ${formatDuration(hang.forMs)}${because(hang.error)}`
}

function notReady({ startup }: Evidence): string {
  if (startup === undefined) return 'was not ready in time'
  return `was not ready within ${formatDuration(startup.startupMs)}${because(startup.error)}`
}

function notStopped({ stop }: Evidence): string {
  if (stop === undefined) return 'did not stop in time'
  return `did not stop within ${formatDuration(stop.timeoutMs)} of ${stop.signal}`
}

function because(error: string | null | undefined): string {
  return error === null || error === undefined ? '' : ` (${oneLine(error)})`
}

function ending(ended: Ended): string {
  if (ended.exit === 'signal') return ` (${ended.signal ?? 'a signal'})`
  return ended.exit === 'code' ? ` (exit code ${ended.exitCode ?? 0})` : ''
}

/** The exit status alone can't tell: SIGKILL by the kernel looks like SIGKILL by anybody. */
function outOfMemory(evidence: Evidence, after: string): string {
  const { ended } = evidence
  const reason = memoryReason(evidence)
  if (ended.exit === 'unknown' || ended.signal === 'SIGKILL') return `killed by the kernel: ${reason}, ${after}`
  // The kernel chose a child, and the main process ended because of it.
  const end = ended.exit === 'code' ? byCode(ended.exitCode ?? 0, after) : bySignal(ended.signal, after)
  return `${end}; the kernel had killed one of its processes: ${reason}`
}

function alsoOutOfMemory(evidence: Evidence): string {
  if (!evidence.ended.oom && evidence.hostOom !== true) return ''
  return `; the kernel had killed one of its processes: ${memoryReason(evidence)}`
}

function memoryReason({ memoryLimitBytes, hostOom }: Evidence): string {
  if (hostOom === true) return 'the host was out of memory'
  return memoryLimitBytes === undefined ? 'out of memory' : `out of memory, ${formatSize(memoryLimitBytes)} limit`
}

/** Signals that a process brings on itself, signal(7). */
const CRASHES: Readonly<Record<string, string>> = {
  SIGSEGV: 'segmentation fault',
  SIGBUS: 'bus error',
  SIGABRT: 'it aborted itself',
  SIGILL: 'illegal instruction',
  SIGFPE: 'arithmetic error',
  SIGTRAP: 'trap',
  SIGSYS: 'a system call it may not make',
}

/** Signals that tell of something the process ran into. */
const LIMITS: Readonly<Record<string, string>> = {
  SIGPIPE: 'it wrote to a pipe that nobody reads',
  SIGXCPU: 'it used up its limit of CPU time',
  SIGXFSZ: 'it wrote a file larger than its limit',
  SIGALRM: 'its own timer went off',
}

/** What only systemd knows of a unit's end; null: the exit itself says it. */
function ofSystemd({ result, exit, exitCode, fellWith }: Ended, after: string): string | null {
  if (result === undefined) return null
  if (fellWith !== undefined)
    return `ended by systemd ${after}: ${fellWith}, which it is bound to (BindsTo), had fallen`
  if (result === 'unseen') return 'ended, and was started again before heald could see how'
  if (result === 'watchdog') return `hung: it did not report to systemd in time (WatchdogSec), and was ended ${after}`
  if (result === 'timeout') return `ended by systemd ${after}: a start, stop or run took longer than its unit allows`
  if (result === 'protocol') return `ended ${after}: it did not keep to what its unit's Type= promises systemd`
  if (result === 'resources') return `ended ${after}: systemd lacked what it takes to run it`
  if (result === 'start-limit-hit')
    return 'not started: systemd has given up, as it was started too often (StartLimitBurst)'
  if (exit === 'code' && exitCode !== undefined && exitCode >= 200 && exitCode <= 243)
    return `could not be run by systemd: step ${SYSTEMD_STEPS[exitCode] ?? exitCode} failed (exit code ${exitCode})`
  return exit === 'unknown' ? `ended ${after}; systemd says: ${result}` : null
}

/** systemd.exec(5): which step of the way to the program failed. The usual ones. */
const SYSTEMD_STEPS: Readonly<Record<number, string>> = {
  200: 'CHDIR (WorkingDirectory=)',
  203: 'EXEC (the program of ExecStart=)',
  205: 'LIMITS',
  208: 'STDIN',
  209: 'STDOUT',
  210: 'CHROOT (RootDirectory=)',
  216: 'GROUP (Group=)',
  217: 'USER (User=)',
  218: 'CAPABILITIES',
  219: 'CGROUP',
  226: 'NAMESPACE',
  228: 'SECCOMP (SystemCallFilter=)',
  233: 'RUNTIME_DIRECTORY',
  238: 'STATE_DIRECTORY',
  239: 'CACHE_DIRECTORY',
  240: 'LOGS_DIRECTORY',
  241: 'CONFIGURATION_DIRECTORY',
  243: 'CREDENTIALS (LoadCredential=)',
}

function bySignal(signal: string | undefined, after: string): string {
  if (signal === undefined) return `killed by an unknown signal ${after}`
  const crash = CRASHES[signal]
  if (crash !== undefined) return `crashed: ${crash} (${signal}), ${after}`
  const limit = LIMITS[signal]
  if (limit !== undefined) return `ended by ${signal} ${after}: ${limit}`
  return `killed by ${signal}, sent from outside heald, ${after}`
}

function byCode(code: number, after: string): string {
  const plain = `exited with code ${code} ${after}`
  if (code === 0) return `exited by itself with code 0 ${after}, though it was to keep running`
  if (code === 125) return `${plain}: it asks to be left down`
  if (code === 126) return `${plain}: its command is there but can't be executed`
  if (code === 127) return `${plain}: its command was not found`
  const inner = code > 128 ? nameOfSignal(code - 128) : undefined
  return inner === undefined ? plain : `${plain}, which is how a shell says that its program was killed by ${inner}`
}

function nameOfSignal(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}
