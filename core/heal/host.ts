import type { ServiceSpec } from '../config/spec.ts'

/** What an instance leaves: an empty tail, no bytes where that is not known. */
export type Remains = Pick<Ended, 'tail' | 'rssBytes'>

/** The news of an end: what decisions need at once, and the rest for afterwards. */
export interface End {
  /** Absent when a signal ended it, or nobody can know. */
  readonly exitCode?: number
  /** Why it is to be left down now, in words, and whether people have to know. */
  readonly leftDown?: { readonly why: string; readonly isTrouble: boolean } | null
  /**
   * It did not fail itself: it fell with the unit of this name that it is bound to, or that one did not come back for it, or
   * another one, in words, that it requires could not be started.
   */
  readonly fellWith?: string
  /** Takes the evidence: reads files, so it comes after the replacement was started. Call it in the same turn. */
  evidence(): Ended
}

/** How a process ended, as far as it can be known. */
export interface Ended {
  readonly pid: number
  /** `unknown` for an adopted process: only its parent is told the exit code. */
  readonly exit: 'code' | 'signal' | 'unknown'
  readonly exitCode?: number
  readonly signal?: NodeJS.Signals
  /** The kernel killed it for lack of memory, or another process of its group just before. */
  readonly oom: boolean
  /** Set when the program never ran: the folder, the user or the executable is missing or not usable. In words. */
  readonly launchError?: string
  /** What systemd calls the end of a unit: `exit-code`, `signal`, `watchdog`, `timeout`, `oom-kill`, … */
  readonly result?: string
  /** The unit that it is bound to, with which it fell. */
  readonly fellWith?: string
  /** Most memory the service's group held at once, where the kernel counts it. */
  readonly rssBytes?: number
  /** The end of what this instance wrote to its log, at most 2 KiB, cut at a line start. */
  readonly tail: string
}

export interface Adopted {
  readonly pid: number
  /** Kernel start time in clock ticks: with the pid, names the process for good. */
  readonly startTime: number
  /** When it started, on the monotonic clock of this boot. */
  readonly startedMonoMs: number
}

export interface Launch {
  /** 0: there is no process (yet). */
  readonly pid: number
  readonly standby: boolean
  /** When it was started, on the monotonic clock; left out: now. */
  readonly startedMonoMs?: number
}

/** News of a host that acts by itself too, as systemd does. */
export interface Outside {
  /** It runs: an instance that was asked for, and took its time, or one that somebody else started. */
  runs(launch: Launch): void
  /** Somebody else has it stopped: a wish, not a crash. */
  stops(): void
  /** A stop that was ordered came to nothing: the host refuses it, in words; null: somebody else had it started instead. */
  goesOn(refusal: string | null): void
  /** A start that somebody else asked for came to nothing: it is to run all the same. */
  refused(): void
  /** The host was to restart it by itself, and has given up; words on why. */
  givesUp(why: string): void
  /** What `Seat.rests` did not know is known now, and is none of the news above. */
  known(): void
  /** What came only after the end of an instance was told: the end of what it wrote, the most memory that it held. */
  left(pid: number, remains: Remains): void
}

/** One service's seat on the host: at most one running instance and one standby waiting to replace it. */
export interface Seat {
  /**
   * Finds an instance left running by an earlier daemon. Resolves to null when there is none. `endedPid`: the one that ran last
   * in this boot, where its end is recorded: what is left of that is no news. `fell`: that was with the unit that it is bound to.
   */
  adopt(endedPid?: number | null, fell?: boolean): Promise<Adopted | null>
  /**
   * Starts the service: one byte to the standby, or a cold start. Synchronous up to the byte. Returns the pid.
   * The instance before must have ended and its tree be empty. A launch that fails is reported through `onEnd`.
   * Null: it takes its time, and `Outside.runs` tells when it runs.
   */
  start(): Launch | null
  /** Only where a start may wait for something else on the host: somebody asks for it now, so it no longer does. */
  hurry?(): void
  /** Only there: what the start waits for, in words; null: for nothing, or none is under way. */
  waitsFor?(): string | null
  /** Keeps a replacement forked and waiting. May be called at any time; does nothing when there is one. */
  arm(): void
  /**
   * Changes what the next start runs; a standby of the old description is dropped. Resolves once it is so: another user
   * has to be looked up first, and until then a start runs the old description, as its old user.
   */
  describe(spec: ServiceSpec): Promise<void>
  /** Whether what runs was started as this description says; true when nothing runs. */
  runs(spec: ServiceSpec): boolean
  /** Sends a signal to the main process only. */
  signal(signal: NodeJS.Signals): void
  /** Whether anything is left of the instance: the main process or a descendant. */
  isEmpty(): boolean
  /** Kills the whole tree; resolves when nothing is left, rejects with a Fault after `timeoutMs`. */
  killTree(timeoutMs: number): Promise<void>
  /**
   * The user it runs as, for checks that run a program of the service's: `become` is the command prefix that turns a
   * shell into it, with all of its groups. Null: the daemon's own.
   */
  account(): { readonly become: readonly string[]; readonly home: string } | { readonly missing: string } | null
  /**
   * Only where the host acts by itself: how long until it restarts the service, or that it runs again; null: it won't,
   * so that is ours to do.
   */
  restartsItself?(): { readonly delayMs: number; readonly runs: boolean } | null
  /** Only where the host does the stopping, in the place of `signal`. `isRestart`: it is to run again at once. */
  stop?(isRestart: boolean): void
  /** Only where the host does the stopping: why it would not restart what runs now, in words; null: it would, or nothing runs. */
  refusesRestart?(): Promise<string | null>
  /** Only where the host does the stopping: why it would not, in words; null: nothing is known against that. */
  refusesStop?(): string | null
  /**
   * Only where others may start and stop it: why it is left as it is though it does not run; null: it has failed. Not
   * `isKnown`: the host can't tell yet, and what it is comes as news (`Outside`). `isIdle`: it could be started.
   */
  rests?(): { readonly why: string; readonly isKnown: boolean; readonly isIdle: boolean } | null
  /** Lets go without stopping anything: the standby ends, the service keeps running. */
  release(): void
}

/** The host's processes and units, for the supervisor. */
export interface ProcessHost {
  /** One seat for each service name. `onEnd` is called once for each instance that ended, started or adopted. */
  seat(spec: ServiceSpec, onEnd: (end: End) => void, outside: Outside): Promise<Seat>
  /** Stops what an earlier configuration left running under `name` and forgets its seat. */
  remove(name: string): Promise<void>
  /** Names, other than these, under which an earlier daemon had processes of its own. */
  others?(names: ReadonlySet<string>): readonly string[]
  /** Ends what runs under such a name as it was to be stopped. Resolves with its pid once nothing is left; null: none ran. */
  endOther?(name: string): Promise<number | null>
  /** Forgets the place of what `endOther` has ended: from then on `others` does not name it. */
  forgetOther?(name: string): void
  /**
   * Names of the units that `patterns` name and that run, have failed, or are seated here. `named`: units of the configuration;
   * one that has several names (`Alias=`) is answered by that.
   */
  units?(patterns: readonly string[], named: readonly string[]): Promise<readonly string[]>
  /** False: systemd could not be asked, so there may be others than `units` answered. */
  knowsUnits?(): boolean
  /**
   * From now on `changed` is called whenever `units` may answer something else: soon after the host has come to know a unit,
   * and now and then. Null: no more. Each call takes the place of the one before.
   */
  onUnits?(changed: (() => void) | null): void
}
