import { setTimeout as sleep } from 'node:timers/promises'
import { WORDS } from '../../core/command/words.ts'
import type { Speaking } from '../conformance/speaking.ts'
import { until } from '../until.ts'
import { type Platforms, startPlatforms } from './platforms.ts'
import { type BenchRow, percentile, row } from './row.ts'
import type { Site } from './site.ts'
import { count } from './size.ts'
import { makeHeald, RESTLESS } from './supervisors.ts'

/** Of every request to a platform. */
const LATENCY_MS = 200
/** What comes sooner waits for the pace of a platform, which is not what is measured. */
const APART_MS = 2500
const LOOK_MS = 5
const GIVE_UP_MS = 20_000
const LIMIT_MS = 1000

const WHAT = {
  question: 'a word that asks',
  order: 'a word that orders',
  button: 'a button pressed',
} as const
type Kind = keyof typeof WHAT

/** Each word that can be said in a chat, about the service that there is. */
const LINES = WORDS.flatMap(spec =>
  'host' in spec ? [] : [`/${spec.examples[0]?.replace(/ (agent|web)(?=$| )/, ' victim')}`],
)

interface Took {
  readonly acknowledgedMs: number
  readonly answeredMs: number
}

/**
 * Words and buttons of people until they are acknowledged and answered, by the real SDKs and the strict fakes of three
 * platforms, which are far away. Each round is done on all three at once.
 */
export async function measureCommands(site: Site): Promise<BenchRow[]> {
  const rounds = count(5, 30)
  const platforms = await startPlatforms(site)
  const people = (by: 0 | 1) =>
    Object.fromEntries(
      platforms.all.map(({ name, people }) => [name, name === 'telegram' ? Number(people[by]) : people[by]]),
    )
  const ours = makeHeald(site, 'commands', starts => ({ victim: { run: [site.victim, starts], ...RESTLESS } }), {
    config: {
      ...platforms.config,
      operators: { alice: { role: 'admin', ...people(0) }, bob: { role: 'operator', ...people(1) } },
      // So that nothing is run, and there is a button to turn it down with.
      policy: { restart: { approvals: 1 } },
      // A card of a command is where it was given, and nowhere else.
      routes: [{ match: { kind: 'command' }, to: [] }],
    },
    env: platforms.env,
  })
  await ours.up()
  await platforms.ready(ours)
  await ours.starts.until(1)
  for (const platform of platforms.all) platform.setLatency(LATENCY_MS)
  const took = new Map<string, Took[]>()
  const words = new Map<string, (Took & { readonly line: string })[]>()
  for (let n = 1; n <= rounds; n += 1) {
    await Promise.all(
      platforms.all.map(async platform => {
        for (const kind of ['question', 'order', 'button'] as const) {
          const name = nameOf(platform, kind)
          took.set(name, [...(took.get(name) ?? []), await timed(platform, await ready(platforms, platform, kind))])
          await sleep(APART_MS)
        }
      }),
    )
    if (n % 10 === 0 || n === rounds) site.progress(`${n} of ${rounds} rounds`)
  }
  await Promise.all(
    platforms.all.map(async platform => {
      const its: (Took & { readonly line: string })[] = []
      for (const line of LINES) {
        its.push({ line, ...(await timed(platform, () => platform.say(platforms.chatOf(platform), line))) })
        await sleep(APART_MS)
      }
      words.set(platform.name, its)
    }),
  )
  for (const platform of platforms.all) platform.setLatency(0)
  const breaches = platforms.all.flatMap(platform => platform.breaches())
  if (breaches.length > 0) throw new Error(`over a limit of a platform: ${breaches.slice(0, 3).join('; ')}`)
  return [
    ...platforms.all.flatMap(platform =>
      (['question', 'order', 'button'] as const).flatMap(kind =>
        rowsOf(platform, kind, took.get(nameOf(platform, kind)) ?? []),
      ),
    ),
    ...platforms.all.map(({ name }) => worstOf(name, words.get(name) ?? [])),
  ]
}

function worstOf(name: string, words: readonly (Took & { readonly line: string })[]): BenchRow {
  const [worst] = words.toSorted((a, b) => b.acknowledgedMs - a.acknowledgedMs)
  const [slowest] = words.toSorted((a, b) => b.answeredMs - a.answeredMs)
  return row({
    what: `each word to its acknowledgement, ${name}, worst`,
    ...{ ours: worst?.acknowledgedMs ?? Number.NaN, peer: null, unit: 'ms', limit: { of: 'ours', atMost: LIMIT_MS } },
    note: `${words.length} words, each once; the worst was ${worst?.line}; the latest answer was that of ${slowest?.line}, after ${slowest?.answeredMs.toFixed(0)} ms`,
  })
}

const nameOf = ({ name }: Speaking, kind: Kind) => `${name} ${kind}`

/** What somebody is to do, when everything is there for it. */
async function ready(platforms: Platforms, platform: Speaking, kind: Kind): Promise<() => void> {
  const chat = platforms.chatOf(platform)
  if (kind === 'question') return () => platform.say(chat, '/status')
  if (kind === 'order') return () => platform.say(chat, '/restart victim')
  const found = () => {
    for (const { reference, buttons, labels = [] } of platforms.shown(platform).toReversed()) {
      const id = buttons[labels.findIndex(label => /^Deny|^Withdraw/.test(label))]
      if (id !== undefined) return { reference, id }
    }
    return null
  }
  await until(`${platform.name} has the button`, () => found() !== null, GIVE_UP_MS)
  const { reference, id } = found() ?? { reference: '', id: '' }
  return () => platform.press(chat, reference, id)
}

/** From what somebody does until it is acknowledged and answered; looked for every few milliseconds. */
async function timed(platform: Speaking, act: () => void): Promise<Took> {
  const [acknowledged, answers] = [platform.acknowledged().length, platform.answers().length]
  const typing = platform.typing()
  const fromMs = performance.now()
  act()
  const hasAcknowledgement = platform.acknowledged().length > acknowledged
  let acknowledgedMs: number | null = null
  for (; ; await sleep(LOOK_MS)) {
    const nowMs = performance.now() - fromMs
    const isAnswered = platform.answers().length > answers
    // Telegram acknowledges no written word: that somebody was heard shows by "typing", or by the answer.
    const isHeard = hasAcknowledgement
      ? typeof platform.acknowledged()[acknowledged] === 'number'
      : platform.typing() > typing || isAnswered
    if (isHeard) acknowledgedMs ??= nowMs
    if (acknowledgedMs !== null && isAnswered) return { acknowledgedMs, answeredMs: nowMs }
    if (nowMs > GIVE_UP_MS) throw new Error(`${platform.name} did not answer`)
  }
}

function rowsOf({ name }: Speaking, kind: Kind, took: readonly Took[]): BenchRow[] {
  const acknowledged = took.map(({ acknowledgedMs }) => acknowledgedMs)
  const note = `${took.length} of them; each request to the platform takes ${LATENCY_MS} ms, what it delivers over a socket none`
  const both = (what: string, times: readonly number[], hasLimit: boolean, note: string): BenchRow[] =>
    (
      [
        ['p50', percentile(times, 0.5)],
        ['worst', Math.max(...times)],
      ] as const
    ).map(([which, ours]) =>
      row({
        what: `${WHAT[kind]} to ${what}, ${name}, ${which}`,
        ...{ ours, peer: null, unit: 'ms' },
        limit: hasLimit ? { of: 'ours', atMost: LIMIT_MS } : null,
        note: which === 'p50' ? note : '',
      }),
    )
  const answered = took.map(({ answeredMs }) => answeredMs)
  return [...both('its acknowledgement', acknowledged, true, note), ...both('its answer', answered, false, '')]
}
