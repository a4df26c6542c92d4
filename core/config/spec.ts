/** The configuration after checking: defaults filled in, durations in ms, sizes in bytes, paths absolute. */
export interface HostConfig {
  readonly host: string
  /** IANA time zone people read times in. */
  readonly tz: string
  readonly services: readonly ServiceSpec[]
  readonly ledger: { readonly fsync: boolean; readonly redact: readonly string[] }
  /** SHA-256 of the file's bytes, hex. */
  readonly sha256: string
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
