import type { SessionPlace } from './whatsapp-place.ts'
import { type Session, startSession } from './whatsapp-session.ts'
import type { Report } from './whatsapp-wire.ts'

// Life of the link
// 1. Without a paired device no browser is started: the folder is looked at now and then until `heald whatsapp pair` has
//    left its mark there. Where it can't be seen from here, a child looks: it is started as in 3, and says so.
// 2. A child is started; it has `readyMs` to become ready (WhatsApp Web's own sign for that may never come), and is asked
//    for a sign of life every `pingMs` afterwards.
// 3. When it ends, or is ended for one of these, another one is started after a pause that grows up to a minute; after
//    `calmMs` without trouble it is short again. A child that says that the device was unlinked leads back to 1.

export interface LinkState {
  readonly isUp: boolean
  readonly isFinal: boolean
  readonly why: string
}

export interface LinkTimes {
  readonly readyMs: number
  readonly pingMs: number
  readonly pongMs: number
  readonly firstPauseMs: number
  readonly lastPauseMs: number
  readonly calmMs: number
  /** How often it is looked whether a device was paired. */
  readonly pollMs: number
}

export const LINK_TIMES: LinkTimes = {
  readyMs: 120_000,
  pingMs: 30_000,
  pongMs: 20_000,
  firstPauseMs: 1000,
  lastPauseMs: 60_000,
  calmMs: 60_000,
  pollMs: 3000,
}

export interface Link {
  state(): LinkState
  /** The child, once it was ready; it may be cut off from WhatsApp for the moment. */
  session(): Session | null
  /** The child as soon as it is connected; null: not in time, or not before somebody does something. */
  connected(withinMs: number): Promise<Session | null>
  /** What the servers said of a message, 1 and above or -1; null: nothing in time. */
  ackOf(reference: string, withinMs: number): Promise<number | null>
  close(): Promise<void>
}

export interface LinkOptions {
  readonly place: SessionPlace
  readonly times: LinkTimes
  onState(state: LinkState): void
  warn(text: string): void
}

const UNPAIRED = 'no WhatsApp device is linked: pair one with `heald whatsapp pair`'
const UNLINKED = 'WhatsApp has unlinked this device: pair it anew with `heald whatsapp pair`'
const MOST_ACKS = 500
const MOST_WARNINGS = 5

type Over = Extract<Report, { report: 'over' }>

export function keepLink({ place, times, onState, warn }: LinkOptions): Link {
  let state: LinkState = { isUp: false, isFinal: false, why: 'it has not connected yet' }
  let current: Session | null = null
  let isReady = false
  let isUnlinked = false
  const closing = new AbortController()
  const acks = new Map<string, number>()
  const waits = new Map<string, Set<(ack: number | null) => void>>()
  /** Called at each change of the state, and when the link is closed. */
  const watchers = new Set<() => void>()

  function become(next: LinkState): void {
    const isSame = next.isUp === state.isUp && next.isFinal === state.isFinal && next.why === state.why
    state = next
    if (!isSame && !closing.signal.aborted) onState(next)
    for (const watcher of watchers) watcher()
  }

  function heardAck(reference: string, ack: number): void {
    // 0 says nothing; `1` may come after `2`.
    if (ack === 0) return
    acks.set(reference, Math.max(ack, acks.get(reference) ?? ack))
    const oldest = acks.keys().next()
    if (acks.size > MOST_ACKS && !oldest.done) acks.delete(oldest.value)
    for (const tell of waits.get(reference) ?? []) tell(ack)
  }

  /** One child from start to end; for how long it was ready. */
  async function runOnce(): Promise<number> {
    const over: { said: Over | null } = { said: null }
    let readyAtMs: number | null = null
    let isGivenUp = false
    let warnings = 0
    const ended = Promise.withResolvers<string>()
    const session = startSession({
      place,
      pairing: null,
      onEnd: why => ended.resolve(why),
      onReport(report) {
        if (report.report === 'ready') {
          readyAtMs ??= performance.now()
          isUnlinked = false
          clearTimeout(watchdog)
          isReady = true
          become({ isUp: true, isFinal: false, why: 'WhatsApp Web is connected' })
        } else if (report.report === 'state' && readyAtMs !== null && over.said === null) {
          const isUp = report.state === 'CONNECTED'
          become({
            isUp,
            isFinal: false,
            why: isUp ? 'WhatsApp Web is connected' : `WhatsApp Web says ${report.state}`,
          })
        } else if (report.report === 'ack') {
          heardAck(report.reference, report.ack)
        } else if (report.report === 'over') {
          over.said ??= report
          if (report.why === 'unlinked') isUnlinked = true
          become(stateAfter(over.said, isUnlinked))
        } else if (report.report === 'trouble' && warnings < MOST_WARNINGS) {
          warnings += 1
          warn(`WhatsApp Web: ${report.detail}`)
        }
      },
    })
    const giveUp = (why: string) => {
      isGivenUp = true
      become({ isUp: false, isFinal: false, why })
      void session.end()
    }
    const watchdog = setTimeout(
      () => giveUp(`WhatsApp Web was not ready within ${times.readyMs / 1000} s`),
      times.readyMs,
    )
    const heartbeat = setInterval(async () => {
      if (!isReady) return
      const answer = await session.ask({ order: 'ping' }, times.pongMs)
      if (answer?.is !== 'done' && over.said === null && current === session) giveUp('WhatsApp Web does not answer')
    }, times.pingMs)
    current = session
    const stop = () => void session.end()
    closing.signal.addEventListener('abort', stop)
    if (closing.signal.aborted) stop()
    const why = await ended.promise
    closing.signal.removeEventListener('abort', stop)
    clearTimeout(watchdog)
    clearInterval(heartbeat)
    current = null
    isReady = false
    for (const tells of waits.values()) for (const tell of tells) tell(null)
    if (over.said === null && !isGivenUp) become({ isUp: false, isFinal: false, why })
    // Waits for the browser, too, and ends it.
    await session.end()
    return readyAtMs === null ? 0 : performance.now() - readyAtMs
  }

  async function keepUp(): Promise<void> {
    let failures = 0
    while (!closing.signal.aborted) {
      if (place.isUnpaired()) {
        become({ isUp: false, isFinal: true, why: isUnlinked ? UNLINKED : UNPAIRED })
        await pause(times.pollMs)
        continue
      }
      const readyMs = await runOnce()
      if (closing.signal.aborted) break
      failures = readyMs >= times.calmMs ? 0 : failures + 1
      const growing = Math.min(times.lastPauseMs, times.firstPauseMs * 2 ** Math.min(failures - 1, 16))
      await pause(growing * (0.5 + Math.random() / 2))
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(done, ms)
      closing.signal.addEventListener('abort', done)
      if (closing.signal.aborted) done()
      function done(): void {
        clearTimeout(timer)
        closing.signal.removeEventListener('abort', done)
        resolve()
      }
    })
  }

  const running = (async () => {
    while (!closing.signal.aborted) {
      // Something is wrong with the folder or the start of a process; that may pass.
      await keepUp().catch((error: unknown) => {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'no reason given'
        become({ isUp: false, isFinal: false, why: `WhatsApp Web could not be started (${code})` })
        return pause(times.lastPauseMs)
      })
    }
  })()

  return {
    state: () => state,
    session: () => (isReady ? current : null),
    connected(withinMs) {
      const { promise, resolve } = Promise.withResolvers<Session | null>()
      const timer = setTimeout(() => resolve(null), Math.max(0, withinMs))
      const look = () => {
        if (state.isUp && isReady) resolve(current)
        else if (state.isFinal || closing.signal.aborted) resolve(null)
      }
      watchers.add(look)
      look()
      return promise.finally(() => {
        clearTimeout(timer)
        watchers.delete(look)
      })
    },
    ackOf(reference, withinMs) {
      const known = acks.get(reference) ?? 0
      if (known !== 0) return Promise.resolve(known)
      const { promise, resolve } = Promise.withResolvers<number | null>()
      const timer = setTimeout(() => resolve(null), Math.max(0, withinMs))
      const tells = waits.get(reference) ?? new Set()
      waits.set(reference, tells.add(resolve))
      return promise.finally(() => {
        clearTimeout(timer)
        tells.delete(resolve)
        if (tells.size === 0) waits.delete(reference)
      })
    },
    async close() {
      closing.abort()
      for (const watcher of watchers) watcher()
      await running
    },
  }
}

function stateAfter({ why, detail }: Over, wasUnlinked: boolean): LinkState {
  const down = { isUp: false, isFinal: why !== 'failed' }
  if (why === 'unpaired' || why === 'unlinked') return { ...down, why: wasUnlinked ? UNLINKED : UNPAIRED }
  if (why === 'conflict') return { ...down, why: 'another WhatsApp Web uses the same session' }
  if (why === 'blocked') return { ...down, why: `WhatsApp does not let this device in (${detail})` }
  return { ...down, why: `WhatsApp Web has ended: ${detail}` }
}
