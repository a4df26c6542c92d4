import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stream } from '../../core/api/client.ts'
import type { Entry } from '../../core/entry.ts'
import { type BenchRow, percentile, row } from './row.ts'
import type { Site } from './site.ts'
import { count } from './size.ts'
import { msBetween, watchStarts } from './starts.ts'
import { type Heald, makeHeald, RESTLESS } from './supervisors.ts'

/*
 * A service that has to load and listen before it is well. What counts is what the supervisor adds to the service's own
 * start time: noticing, starting, asking until the check passes, and a durable entry, up to when a follower has it.
 */
const LISTENER = join(import.meta.dirname, 'listener.js')
const PAUSE_MS = 1000
const OVER_LIMIT_MS = 50
const PROBE = { every: 200, timeout: 100, failures: 3 }
const HUNG_WITHIN_MS = PROBE.failures * PROBE.every + PROBE.timeout
const ENTRY_WITHIN_MS = 30_000

/** kill -9 → healthy and recorded durably, and hang → detected, with a service of Node behind an HTTP check. */
export async function measureHealth(site: Site): Promise<BenchRow[]> {
  const port = await freePort()
  const heald = makeHeald(site, 'ours', starts => ({
    web: {
      run: [process.execPath, LISTENER, starts],
      env: { PORT: String(port) },
      health: {
        http: `http://127.0.0.1:${port}/`,
        every: `${PROBE.every}ms`,
        timeout: `${PROBE.timeout}ms`,
        failures: PROBE.failures,
        startup: '20s',
      },
      ...RESTLESS,
    },
  }))
  const listening = watchStarts(`${heald.starts.path}.listening`)
  const hung = watchStarts(`${heald.starts.path}.hung`)
  await heald.up()
  await listening.until(1)
  const news = await followNews(site, heald)
  await sleep(PAUSE_MS)

  const over: number[] = []
  const own: number[] = []
  const kills = count(5, 40)
  for (let n = 1; n <= kills; n += 1) {
    const recovered = news.next('service.recovered')
    const killedNs = heald.starts.kill(heald.starts.all().at(-1)?.pid ?? 0)
    const { heardNs } = await recovered
    const bornNs = heald.starts.all().at(-1)?.atNs ?? 0n
    const listeningNs = listening.all().at(-1)?.atNs ?? 0n
    own.push(msBetween(bornNs, listeningNs))
    over.push(msBetween(killedNs, heardNs) - msBetween(bornNs, listeningNs))
    await sleep(PAUSE_MS)
    if (n % 10 === 0 || n === kills) site.progress(`${n} of ${kills} kills`)
  }

  const detected: number[] = []
  const hangs = count(3, 20)
  for (let n = 1; n <= hangs; n += 1) {
    // Anywhere between two checks, not always right after one.
    await sleep(PROBE.every * Math.random())
    const found = news.next('service.hung')
    const recovered = news.next('service.recovered')
    const before = hung.all().length
    fetch(`http://127.0.0.1:${port}/hang`).catch(() => {})
    const hungNs = (await hung.until(before + 1))[before]?.atNs ?? 0n
    detected.push(msBetween(hungNs, BigInt((await found).entry.mono) * 1000n))
    await recovered
    await sleep(PAUSE_MS)
    if (n % 5 === 0 || n === hangs) site.progress(`${n} of ${hangs} hangs`)
  }
  news.close()

  const health = `${PROBE.failures} × ${PROBE.every} ms + ${PROBE.timeout} ms`
  return [
    row({
      what: "kill -9 to healthy and durably recorded, over the service's own start time, p50",
      ours: percentile(over, 0.5),
      peer: null,
      limit: { of: 'ours', atMost: OVER_LIMIT_MS },
      unit: 'ms',
      note: `${kills} kills; the service itself took ${percentile(own, 0.5).toFixed(1)} ms from its start to listening`,
    }),
    row({
      what: "kill -9 to healthy and durably recorded, over the service's own start time, longest",
      ours: Math.max(...over),
      peer: null,
      limit: null,
      unit: 'ms',
      note: '',
    }),
    row({
      what: 'hang to its detection, longest',
      ours: Math.max(...detected),
      peer: null,
      limit: { of: 'ours', atMost: HUNG_WITHIN_MS },
      unit: 'ms',
      note: `${hangs} hangs at any moment; failures × every + timeout = ${health}; p50 ${percentile(detected, 0.5).toFixed(0)} ms`,
    }),
  ]
}

interface News {
  /** The next entry of a kind that becomes durable from now on, and when this process had it. */
  next(kind: Entry['kind']): Promise<{ entry: Entry; heardNs: bigint }>
  close(): void
}

/** Follows the ledger over the daemon's socket: it hands out an entry only once it is durable. */
async function followNews(site: Site, heald: Heald): Promise<News> {
  const closing = new AbortController()
  site.defer(() => closing.abort())
  const waiting = new Map<string, ((heard: { entry: Entry; heardNs: bigint }) => void)[]>()
  const { ledger } = await heald.status()
  const lines = stream(heald.socket, `/v1/ledger/follow?from=${ledger.size}`, closing.signal)
  const reading = (async () => {
    for await (const line of lines) {
      const heardNs = process.hrtime.bigint()
      const entry = JSON.parse(line) as Entry
      for (const tell of waiting.get(entry.kind)?.splice(0) ?? []) tell({ entry, heardNs })
    }
  })()
  return {
    next(kind) {
      const { promise, resolve, reject } = Promise.withResolvers<{ entry: Entry; heardNs: bigint }>()
      waiting.set(kind, [...(waiting.get(kind) ?? []), resolve])
      const timer = setTimeout(() => reject(new Error(`no ${kind} within ${ENTRY_WITHIN_MS} ms`)), ENTRY_WITHIN_MS)
      reading.then(() => reject(new Error('the daemon ended the stream of entries')), reject)
      return promise.finally(() => clearTimeout(timer))
    },
    close: () => closing.abort(),
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
