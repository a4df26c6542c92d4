import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkSocketPath } from '../api/socket.ts'
import { type Context, EXIT } from '../cli/command.ts'
import { exitOf } from '../cli/exit.ts'
import { narrator } from '../cli/narrate.ts'
import { type LoadHost, upFrom } from '../cli/up.ts'
import { version } from '../cli/version.ts'
import { systemClock } from '../clock.ts'
import type { Daemon } from '../daemon.ts'
import type { Entry } from '../entry.ts'
import { Fault, messageOf } from '../fault.ts'
import { recorded } from './by-hand.ts'
import { freshFolder } from './folder.ts'
import { nixEnv } from './nix-store.ts'
import { openPage, type Page } from './page.ts'
import { HEALD, type Plan, quoted, SAMPLE } from './plan.ts'
import { hung, killed, leaking, looping } from './scenes.ts'
import { next, type Scene, type Stage } from './stage.ts'
import { badGeneration, badRelease } from './switching.ts'
import { openWatch } from './watch.ts'

/*
 * Life of a tour
 *
 * 1. Its own state folder is made fresh (`folder.ts`); a tour that is under way there is left alone.
 * 2. A real heald.yaml for a real small service is written (`plan.ts`, `agent.js`) and the daemon started with it, by the
 *    same code as any other. The tour never tells it what is coming; it only reads the ledger's entries, like anybody.
 * 3. Scene by scene the agent is harmed, and what heald saw and did is shown (`scenes.ts`, `by-hand.ts`). Services that
 *    have a target are added by a reload, and bad generations deployed there (`switching.ts`).
 * 4. Then the visitor may play. Ctrl-C, a closed terminal or "heald down" ends it: the agent is stopped, then the daemon.
 */

const SCENES: readonly Scene[] = [killed, hung, leaking, looping, badRelease, badGeneration, recorded]
/** About how long it takes where nothing else keeps the machine busy. */
const SHOW_S = 16
const DOWN_MS = 10_000
const LOOK_EVERY_MS = 20

/** Resolves to the exit code: 1 when a scene did not heal. With `once` it ends after the show. */
export async function tour(
  context: Context,
  { once }: { readonly once: boolean },
  loadHost: LoadHost,
): Promise<number> {
  const dir = join(context.state, 'tour')
  const socket = join(dir, 'heald.sock')
  // Before anything runs that would have to be stopped again.
  checkSocketPath(socket)
  const warn = (text: string) => context.err(`heald: ${text}\n`)
  const plan = await freshFolder(dir, async () => {
    const { createServiceHost, openTarget } = await loadHost()
    return { processes: createServiceHost({ state: dir, warn }), openTarget: spec => openTarget(dir, spec) }
  })
  const ending = new AbortController()
  const end = () => ending.abort(new Fault('interrupted', 'the tour was ended'))
  // The terminal was closed: nobody is left to write to.
  const hangUp = () => {
    isGone = true
    end()
  }
  let isGone = false
  const seen: Context = {
    ...context,
    out: text => void (isGone || context.out(text)),
    err: text => void (isGone || context.err(text)),
    columns: context.columns,
    state: dir,
    socket,
  }
  const page = openPage(seen)
  const watch = openWatch(ending.signal)
  const tellJson = narrator(seen)
  let isLive = false
  const onEntries = (entries: readonly Entry[]) => {
    watch.take(entries)
    if (context.json) tellJson(entries)
    else if (isLive) for (const entry of entries) page.event(entry)
  }
  process.on('SIGHUP', hangUp)
  context.signal.addEventListener('abort', end, { once: true })
  if (context.signal.aborted) end()
  try {
    page.heading(
      `heald ${version()}: a tour of ${SHOW_S} seconds`,
      'A sample agent is started and harmed in four ways, then bad releases are deployed. heald is not told what is coming.',
    )
    const daemon = await upFrom(seen, plan.config, () => hostFor(plan, loadHost), onEntries)
    void daemon.downed.then(end)
    let code: number = EXIT.done
    try {
      if (!(await show({ daemon, plan, page, watch, signal: ending.signal }))) code = EXIT.bad
      sayWhatNext(page)
      if (!once) {
        invite(page, plan, daemon)
        isLive = true
        await aborted(ending.signal)
      }
    } catch (error) {
      if (!ending.signal.aborted) throw error
      if (once) code = exitOf('interrupted')
    } finally {
      isLive = false
      await stop(daemon, page, plan, warn)
    }
    return code
  } finally {
    process.off('SIGHUP', hangUp)
    context.signal.removeEventListener('abort', end)
  }
}

/** The host as it is, with a Nix of the tour's own. */
async function hostFor({ nix }: Plan, loadHost: LoadHost): ReturnType<LoadHost> {
  const { createServiceHost, findAccount, openTarget } = await loadHost()
  return { createServiceHost, findAccount, openTarget: (state, spec) => openTarget(state, spec, nixEnv(nix)) }
}

/** Resolves to whether everything healed that could be shown. */
async function show(stage: Stage): Promise<boolean> {
  const { page, plan, daemon } = stage
  const ready = await next(stage, { seq: 0 }, 'service.ready')
  const status = daemon.status().services[0]
  if (ready === null) {
    const why = status?.why ?? status?.check.error ?? 'nothing more is known'
    throw new Fault('tour.failed', `the sample agent did not start: ${why}`, {
      hint: `what it said: ${HEALD} logs ${SAMPLE.service} --state ${quoted(plan.dir)}`,
    })
  }
  page.say('agent', `a small HTTP server, process ${status?.pid}, answers on ${plan.url}/healthz`)
  page.say('config', plan.config)
  let isHealed = true
  for (const [index, scene] of SCENES.entries()) {
    page.scene(index + 1, scene.title)
    if ((await scene.play(stage)) === false) isHealed = false
  }
  return isHealed
}

function sayWhatNext(page: Page): void {
  page.heading('Your own services')
  page.commands('', [
    [`${HEALD} init`, 'writes a commented heald.yaml here: put your service in'],
    [`${HEALD} config check`, 'finds every mistake in it'],
    [`${HEALD} up`, 'runs, heals and records what is in it'],
    [`${HEALD} status`, `shows how it goes; "${HEALD} help" lists the rest`],
  ])
}

function invite(page: Page, { dir, url }: Plan, daemon: Daemon): void {
  const state = `--state ${quoted(dir)}`
  page.heading('Now you: the tour stays up. In another terminal, try')
  page.commands('', [
    [`kill -9 ${daemon.status().services[0]?.pid}`],
    [`curl -X POST ${url}/hang`, 'or /leak, or /crash'],
    [`${HEALD} status ${state}`],
    [`${HEALD} deploy site r2 --force ${state}`],
    [`${HEALD} incidents ${state}`],
    [`${HEALD} ledger list ${state}`],
  ])
  page.say('', 'What happens is shown here. Ctrl-C ends the tour and stops the agent.')
}

/** Leaves nothing running, and the files for whoever wants to look. */
async function stop(daemon: Daemon, page: Page, plan: Plan, warn: (text: string) => void): Promise<void> {
  await untilAtRest(daemon)
  const isDown = await Promise.race([
    daemon.down('local:admin').then(
      () => true,
      (error: unknown) => warn(messageOf(error)),
    ),
    sleep(DOWN_MS, false, { ref: false }),
  ])
  if (isDown === false) warn(`the agent did not stop within ${DOWN_MS / 1000} s`)
  await daemon.end('the tour is over')
  // A dead-man that stands all the same ends itself when this is gone.
  rmSync(join(plan.dir, 'switch'), { recursive: true, force: true })
  page.heading(`The agent is stopped. The ledger stays in ${plan.dir} until the next tour.`)
}

/** A switch that is cut off leaves its dead-man standing; while nothing is known to be good, there is none. */
async function untilAtRest(daemon: Daemon): Promise<void> {
  const deadlineMs = systemClock.monoMs() + DOWN_MS
  const isMoving = () =>
    daemon.status().targets.some(({ state, knownGood }) => knownGood !== null && state !== 'idle' && state !== 'held')
  while (isMoving() && systemClock.monoMs() < deadlineMs) await sleep(LOOK_EVERY_MS)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
