import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Switched as Outcome } from '../api/switch-control.ts'
import { systemClock } from '../clock.ts'
import type { Entry } from '../entry.ts'
import { codeOf, messageOf } from '../fault.ts'
import { spanOf } from '../incident/measure.ts'
import { readTail } from '../ledger/side.ts'
import { makeStore } from './nix-store.ts'
import { freePort, SWITCHED, type Switched, writeConfig } from './plan.ts'
import { writeSite } from './release.ts'
import { later, next, PATIENCE_MS, type Scene, type Stage, showReceipt } from './stage.ts'

const ANSWER_MS = 2000

export const badRelease: Scene = {
  title: 'A bad release is deployed',
  async play(stage) {
    const { plan, page } = stage
    writeSite(plan.site)
    page.say('added', `the folder site with the releases r1, which runs, r2 and r3; its service web`)
    if (!(await isProved(stage, 'web', 'r1'))) return false
    const words = 'r2 is deployed, but somebody forgot to pack its settings.json; nobody tells heald'
    if (!(await isRolledBack(stage, 'web', { ref: 'r2', bad: 'r2', good: 'r1', words }))) return false
    const again = await deploy(stage, 'web', 'r2')
    if (again !== 'switch.quarantined') {
      page.say('again', 'r2 is quarantined, and was deployed all the same', 'bad')
      return false
    }
    page.say('again', 'deploying r2 once more is refused')
    page.say('done', 'r3 is deployed, with settings.json in it')
    const outcome = await deploy(stage, 'web', 'r3')
    if (!isEnd(stage, outcome, 'committed')) return false
    const answer = await answerOf(`http://127.0.0.1:${plan.ports.get('web')}/`)
    page.say('healed', `committed after ${spanOf(outcome.tookMs)}; web answers: ${answer}`, 'good')
    return true
  },
}

export const badGeneration: Scene = {
  title: 'The same with a Nix profile',
  async play(stage) {
    const { plan, page } = stage
    const startedMs = systemClock.monoMs()
    const store = await makeStore(plan)
    if ('missing' in store) {
      page.say('left out', `there is nothing to show: ${store.missing}`, 'skipped')
      return null
    }
    const took = spanOf(systemClock.monoMs() - startedMs)
    page.say('added', `the profile app, in a Nix store that was made for it in ${took}, and its service api`)
    if (!(await isProved(stage, 'api', 'its generation 1'))) return false
    const words = 'agent-2 is deployed, which was built without its settings.json'
    return isRolledBack(stage, 'api', { ref: store.bad, bad: 'agent-2', good: 'generation 1', words })
  },
}

/** Adds a service with its target, as anybody would, and waits until what runs there is known to be good. */
async function isProved(stage: Stage, service: Switched, good: string): Promise<boolean> {
  const { daemon, plan, page, watch } = stage
  plan.ports.set(service, await freePort())
  writeConfig(plan)
  const seq = watch.next()
  const addedMs = systemClock.monoMs()
  await daemon.reload({ dryRun: false, restart: false })
  const proved = await next(stage, { seq }, 'generation.good', of(service))
  if (proved === null) return false
  page.say('proved', `${good} was well on probation, and is known to be good after ${later(proved, addedMs)}`)
  return true
}

interface Bad {
  readonly ref: string
  readonly bad: string
  readonly good: string
  /** What is done. */
  readonly words: string
}

async function isRolledBack(stage: Stage, service: Switched, { ref, bad, good, words }: Bad): Promise<boolean> {
  const { page, plan, watch } = stage
  const from = { seq: watch.next() }
  page.say('done', words)
  if (!isEnd(stage, await deploy(stage, service, ref), 'rolled back')) return false
  const death = await next(stage, from, 'service.exited', entry => entry.svc === service && entry.data.wanted === false)
  const loop = death && (await next(stage, death, 'crashloop.detected', entry => entry.svc === service))
  // On a slow host it may have recovered a moment before it is started anew for the rollback.
  const well = loop && (await next(stage, loop, 'incident.resolved', entry => entry.svc === service))
  const last = well && (await next(stage, well, 'generation.quarantined', of(service)))
  if (death === null || loop === null || well === null || last === null) return false
  const said = readTail(join(plan.dir, 'ledger'), death)?.trimEnd().split('\n').at(-1)
  page.say('seen', `${death.data.diagnosis}; its log ends: ${said ?? ''}`)
  page.say('verdict', `crash loop: ${loop.data.failures} failures in ${spanOf(msBetween(death, loop))}`)
  const took = spanOf(msBetween(death, well))
  page.say(
    'healed',
    `rolled back to ${good}, which answers ${took} after the first death; ${bad} is quarantined`,
    'good',
  )
  const { diff } = last.data
  page.say('compared', `${bad} with ${good}: ${Array.isArray(diff) ? diff.slice(0, 3).join('; ') : 'not known'}`)
  showReceipt(stage, from, last)
  return true
}

/**
 * Resolves to how it ended, to the code of a refusal, or to null when it does not end. Waits for that also when the
 * visitor has had enough: a switch that is cut off leaves its dead-man standing.
 */
async function deploy({ daemon, signal }: Stage, service: Switched, ref: string): Promise<Outcome | string | null> {
  const order = { ref, force: false, unchecked: false }
  const ended = daemon.deploy(SWITCHED[service], order, 'local:admin').catch((error: unknown) => codeOf(error))
  const end = await Promise.race([ended, sleep(PATIENCE_MS, null, { ref: false })])
  signal.throwIfAborted()
  return end
}

/** Whether it ended as it should; when not, says so. */
function isEnd({ page }: Stage, end: Outcome | string | null, wanted: Outcome['outcome']): end is Outcome {
  if (end !== null && typeof end !== 'string') {
    if (end.outcome === wanted) return true
    page.say(
      'seen',
      `it was ${wanted === 'committed' ? 'not committed' : 'not rolled back'} but ${end.outcome}: ${end.why}`,
      'bad',
    )
    return false
  }
  page.say('seen', end === null ? `it did not end within ${spanOf(PATIENCE_MS)}` : `it was refused: ${end}`, 'bad')
  return false
}

const of = (service: Switched) => (entry: Entry) => entry.data.target === SWITCHED[service]
const msBetween = (from: Entry, to: Entry) => Math.max(0, (to.mono - from.mono) / 1000)

function answerOf(url: string): Promise<string> {
  return new Promise(resolve => {
    const asking = get(url, { agent: false, timeout: ANSWER_MS }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.once('end', () => resolve(text.trim()))
    })
    asking.once('timeout', () => asking.destroy(new Error(`nothing within ${ANSWER_MS} ms`)))
    asking.once('error', error => resolve(messageOf(error)))
  })
}
