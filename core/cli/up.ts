import { flushCompileCache } from 'node:module'
import { systemClock } from '../clock.ts'
import { findConfig } from '../config/find.ts'
import type { TargetSpec } from '../config/spec.ts'
import { type Daemon, type DaemonOptions, startDaemon } from '../daemon.ts'
import { descriptorLimit, descriptorShortage } from '../doctor/descriptors.ts'
import type { Entry } from '../entry.ts'
import { Fault, messageOf } from '../fault.ts'
import type { ProcessHost } from '../heal/host.ts'
import { mustBeOwn } from '../owner.ts'
import type { OpenTarget } from '../safeswitch/managed.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { LAST_WORDS_MS } from './drain.ts'
import { narrator } from './narrate.ts'
import { unheld } from './unheld-output.ts'
import { version } from './version.ts'

/** Only the composition root may load an adapter; it hands over how. */
export type LoadHost = () => Promise<{
  createServiceHost(options: { state: string; warn: (text: string) => void }): ProcessHost
  openTarget: OpenOnHost
  findAccount(user: string): ReturnType<NonNullable<DaemonOptions['findAccount']>>
  /** Who runs us and waits for our word; null: nobody does. */
  serviceManager?(env: NodeJS.ProcessEnv, warn: (text: string) => void): { ready(): void; stopping(): void } | null
}>

/** Opens a target of the configuration. `env`: for Nix and what it activates, beside the daemon's own NIX_…. */
export type OpenOnHost = (
  state: string,
  spec: TargetSpec,
  env?: Readonly<Record<string, string>>,
) => Promise<OpenTarget>

/** Nothing was recorded for so long: services have been started, and their standbys forked. */
const QUIET_MS = 10_000
const NOT_AGAIN_FOR_MS = 60_000
/** Exit code of a unit that was taken down by `heald down` (`RestartPreventExitStatus`). */
const DOWN = 125

/** Saves what was compiled since the start for the next one, and returns the memory that only the start needed. */
function giveBack(): void {
  flushCompileCache()
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** Gives memory back once it is quiet: what a start or a burst of restarts needed would be kept for ever. */
function quietKeeper(): { noteNews(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined
  let lastMs = Number.NEGATIVE_INFINITY
  return {
    noteNews() {
      clearTimeout(timer)
      const waitMs = Math.max(QUIET_MS, lastMs + NOT_AGAIN_FOR_MS - performance.now())
      timer = setTimeout(() => {
        lastMs = performance.now()
        giveBack()
      }, waitMs)
      timer.unref()
    },
    stop: () => clearTimeout(timer),
  }
}

/** `heald up`: the daemon in the foreground, until a signal or `heald down`. Without a configuration: the tour. */
export async function run(
  caller: Context,
  _words: readonly string[],
  values: Values,
  loadHost: LoadHost,
): Promise<number> {
  const path = findConfig(typeof values.config === 'string' ? values.config : undefined, process.cwd())
  if (path === null) {
    const { tour } = await import('../tour/tour.ts')
    return tour(caller, { once: values.once === true }, loadHost)
  }
  if (values.once === true) {
    throw new Fault('usage.option', `--once belongs to the tour, and ${path} is a real configuration`, {
      hint: 'leave --once out, or run it in a folder without heald.yaml',
    })
  }
  const output = unheld(caller)
  try {
    return await upUntilEnded(output.context, path, loadHost)
  } finally {
    await output.end(LAST_WORDS_MS)
  }
}

async function upUntilEnded(context: Context, path: string, loadHost: LoadHost): Promise<number> {
  // Before anything is started: unheard, the signal would end heald.
  let daemon: Daemon | null = null
  const onHangup = () => {
    daemon?.reload({ dryRun: false, restart: false }).then(
      () => context.err('heald: configuration reloaded\n'),
      (error: unknown) => {
        const hint = error instanceof Fault && error.hint !== undefined ? `\n${error.hint}` : ''
        context.err(`heald: nothing was changed: ${messageOf(error)}${hint.replaceAll('\n', '\n  ')}\n`)
      },
    )
  }
  process.on('SIGHUP', onHangup)
  const quiet = quietKeeper()
  const tell = narrator(context)
  daemon = await upFrom(context, path, loadHost, entries => {
    quiet.noteNews()
    tell(entries)
  })
  const manager = (await loadHost()).serviceManager?.(context.env, text => context.err(`heald: ${text}\n`)) ?? null
  manager?.ready()
  const reason = await Promise.race([daemon.downed, aborted(context.signal)])
  process.off('SIGHUP', onHangup)
  quiet.stop()
  manager?.stopping()
  await daemon.end(reason)
  if (!context.json)
    context.err(`heald: ended (${reason})${reason.startsWith('down') ? '' : '; the services keep running'}\n`)
  // A unit that is to be restarted always would be back at once: this code says that it was taken down.
  return manager !== null && reason.startsWith('down') ? DOWN : EXIT.done
}

/** Starts a daemon for the configuration at `path`; `tell` hears what happens. */
export async function upFrom(
  context: Context,
  path: string,
  loadHost: LoadHost,
  tell: (entries: readonly Entry[]) => void,
): Promise<Daemon> {
  mustBeOwn(context.state)
  const [{ createServiceHost, openTarget, findAccount }, { loadConfigApart }] = await Promise.all([
    loadHost(),
    import('../config/load-apart.ts'),
  ])
  return startDaemon({
    state: context.state,
    socket: context.socket,
    version: version(),
    clock: systemClock,
    loadConfig: async () => {
      const config = await loadConfigApart(path)
      const shortage = descriptorShortage(config.services.length, descriptorLimit())
      if (shortage !== null) context.err(`heald: ${shortage.why}\n  ${shortage.advice}\n`)
      return config
    },
    openHost: (state, warn) => createServiceHost({ state, warn }),
    openTarget,
    findAccount,
    warn: text => context.err(`heald: ${text}\n`),
    onEntries: tell,
  })
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise(done => {
    if (signal.aborted) done(String(signal.reason))
    signal.addEventListener('abort', () => done(String(signal.reason)), { once: true })
  })
}
