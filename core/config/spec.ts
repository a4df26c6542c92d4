import type { BotSpec, NoticeSpec } from './notice-spec.ts'

/** The configuration after checking: defaults filled in, durations in ms, sizes in bytes, paths absolute. */
export interface HostConfig {
  readonly host: string
  /** IANA time zone people read times in. */
  readonly tz: string
  readonly services: readonly ServiceSpec[]
  readonly targets: readonly TargetSpec[]
  readonly switch: SwitchSpec
  readonly notice: NoticeSpec
  readonly bot: BotSpec
  readonly ledger: LedgerSpec
  /** SHA-256 of the file's bytes, hex. */
  readonly sha256: string
}

export interface LedgerSpec {
  readonly fsync: boolean
  readonly redact: readonly string[]
  /** In ms. */
  readonly checkpointEvery: number
  /** What is older is pruned, ms, and archived in a folder first, unless that is null. Left out: all is kept. */
  readonly keep?: { readonly ms: number; readonly archive: string | null }
}

export interface ServiceSpec {
  readonly name: string
  readonly run: readonly string[]
  readonly cwd: string
  /** The service's own variables; PATH, HOME, USER and LANG are added by the launcher unless given here. */
  readonly env: Readonly<Record<string, string>>
  readonly user?: string
  readonly dependsOn: readonly string[]
  readonly probes: {
    readonly startup?: ProbeSpec
    readonly readiness?: ProbeSpec
    readonly liveness?: ProbeSpec
  }
  readonly restart: {
    readonly firstMs: number
    readonly baseMs: number
    readonly capMs: number
    readonly resetAfterMs: number
  }
  readonly crashLoop: { readonly failures: number; readonly withinMs: number }
  readonly stop: { readonly signal: NodeJS.Signals; readonly timeoutMs: number }
  readonly limits: { readonly memoryBytes?: number; readonly pids?: number }
  readonly logs: { readonly maxBytes: number; readonly keep: number }
  /** A failure of this service is critical from the first moment. */
  readonly critical: boolean
  /** Name of what is rolled back when it crash-loops. */
  readonly target?: string
}

/** Something with generations, one of which runs (`core/safeswitch/target.ts`). */
export interface TargetSpec {
  readonly name: string
  readonly kind: 'releases' | 'nix-profile' | 'nixos'
  /** The folder of releases, or the profile's link. */
  readonly path: string
  /** `nixos`: the link to what runs. */
  readonly running: string
  /** Run after each move, in the generation; empty: nothing is run. */
  readonly activate: readonly string[]
  /** The user of a release folder, as whom the command runs. Left out: heald's own. */
  readonly user?: string
  readonly activationDeadlineMs: number
  /** How long after its commit a generation is blamed for a crash loop. */
  readonly blameWindowMs: number
  /** Never rolled back from on its own: all of them, or those with these names. */
  readonly irreversible: boolean | readonly string[]
  /** How many known-good generations are kept. */
  readonly keepGood: number
  /** Asked beside the checks of its services. */
  readonly checks: readonly ProbeSpec[]
}

export interface SwitchSpec {
  /** How long a candidate is watched. */
  readonly probationMs: number
  /** Passes of each check that it takes. */
  readonly passes: number
  /** After this the dead-man leads back; never less than any activation deadline + probation + 60 s. */
  readonly deadManMs: number
  /** Automatic rollbacks of one target. */
  readonly budget: { readonly perHour: number; readonly perDay: number }
}

export interface ProbeSpec {
  readonly check:
    | { readonly kind: 'http'; readonly url: string; readonly status?: number; readonly contains?: string }
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'exec'; readonly argv: readonly string[] }
    | { readonly kind: 'file'; readonly path: string; readonly maxAgeMs: number }
  readonly everyMs: number
  readonly timeoutMs: number
  /** Misses in a row that make the verdict "fail". */
  readonly failures: number
  /** Passes in a row that make the verdict "pass" after a fail. */
  readonly successes: number
  /** How long a start may take before it counts as failed. */
  readonly startupMs: number
}
