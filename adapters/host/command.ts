/** How a short command ended. Never thrown: the caller knows what a failure means. */
export interface Ended {
  /** Null when a signal, the deadline or too much output ended it, or it could not be started. */
  readonly exitCode: number | null
  readonly out: string
  /** One line for people: why it failed; '' after exit code 0. */
  readonly why: string
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string>>
  readonly deadlineMs: number
}

/** The paths that a system needs are half a megabyte. */
const MAX_OUTPUT = 4 << 20
/** Between the polite end and the hard one. */
const GRACE_MS = 1000

/** Options of every command; `cleanup` is off because it would put signal handlers beside the daemon's own. */
export function commandOptions({ env, deadlineMs }: CommandOptions) {
  return {
    env: { ...env },
    extendEnv: false,
    cwd: '/',
    timeout: deadlineMs,
    forceKillAfterDelay: GRACE_MS,
    maxBuffer: MAX_OUTPUT,
    cleanup: false,
    reject: false,
  } as const
}

/** Loaded when first needed: an idle daemon does without its 13 MB. */
export async function loadExeca(): Promise<typeof import('execa')['execa']> {
  return (await import('execa')).execa
}

/** Runs a command that ends soon: no shell, no input, a deadline, a limit for what it prints. */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<Ended> {
  const execa = await loadExeca()
  const [command = '', ...args] = argv
  const result = await execa(command, args, { ...commandOptions(options), stdin: 'ignore' })
  return endedOf(command, options.deadlineMs, result)
}

interface Outcome {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly timedOut: boolean
  readonly failed: boolean
  readonly isMaxBuffer: boolean
  readonly code?: string | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Reads how execa says that a command ended. */
export function endedOf(command: string, deadlineMs: number, outcome: Outcome): Ended {
  const { exitCode = null, signal, timedOut, isMaxBuffer, code, stdout, stderr, failed } = outcome
  if (!failed) return { exitCode, out: stdout, why: '' }
  const said = lastLine(stderr)
  let how = `ended with exit code ${exitCode}`
  if (timedOut) how = `did not end within ${deadlineMs} ms`
  else if (isMaxBuffer) how = 'printed more than is read'
  else if (code === 'ENOENT') how = 'is not installed, or not on PATH'
  else if (signal !== undefined) how = `was ended by ${signal}`
  else if (exitCode === null) how = `could not be started (${code ?? 'unknown'})`
  return {
    exitCode: timedOut || isMaxBuffer ? null : exitCode,
    out: stdout,
    why: `${command} ${how}${said === '' ? '' : `: ${said}`}`,
  }
}

/** The last line that says something, without control characters, at most 200 characters. */
export function lastLine(text: string): string {
  const lines = text
    .split('\n')
    .map(line =>
      line
        .replaceAll(/\x1b\[[0-9;]*m/g, '')
        .replaceAll(/[\x00-\x1f\x7f]/g, ' ')
        .trim(),
    )
    .filter(line => line !== '')
  return (lines.at(-1) ?? '').slice(0, 200)
}
