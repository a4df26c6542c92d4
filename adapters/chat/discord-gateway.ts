import type { ChannelEvents } from '../../bot/channel.ts'
import type { Identified } from './discord-identified.ts'
import { fieldsOf } from './discord-payload.ts'
import { type Got, messageOf, type Sdk } from './discord-rest.ts'
import { fence, letGo, type ShardingManager, shardOf } from './discord-shard.ts'

// Life of a connection
// 1. Without a session: `/gateway/bot` is asked (a wrong token shows there, and costs no IDENTIFY), then IDENTIFY.
//    With one: RESUME at the session's own address; Discord sends again what was missed.
// 2. The SDK's shard speaks the protocol: heartbeats, RESUME, sequence numbers. It would connect anew by itself, every
//    half second and for ever; so each shard is used for one connection, and its end is ours to decide about.
// 3. However it ends, the socket is gone soon after, and the next attempt comes after a pause.

/** GUILDS. Slash commands and buttons come without any. */
const INTENTS = 1
const HANDSHAKE_MS = 10_000
/** From there to HELLO, and from HELLO to READY. */
const STEP_MS = 15_000
/** From the beginning of a connection to READY or RESUMED: longer than all of it. */
const UP_WITHIN_MS = 45_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000
/** A connection that stood that long was a good one. */
const STEADY_MS = 30_000
/** Discord takes one IDENTIFY in 5 s. */
const IDENTIFY_EVERY_MS = 5500
/** Of 1000 a day; with fewer left they are spread over the time until there are more. Using all up costs the token. */
const FEW_IDENTIFIES = 100
/** What an owner has to change does not change by itself: 288 IDENTIFY a day. */
const FINAL_PAUSE_MS = 300_000
const LONGEST_WAIT_MS = 900_000
const MOST_RESUMES = 3
/** Any code but 1000 and 1001 leaves the session open; this is the SDK's. */
const KEEPS = 4200

/** Close codes after which the same would happen again: "Gateway Close Event Codes" of Discord's documentation. */
const FINAL: Readonly<Record<number, string>> = {
  4004: 'Discord does not take the bot’s token',
  4010: 'Discord does not take the shard',
  4011: 'the bot is in too many servers for one connection',
  4012: 'Discord has given up this version of its gateway',
  4013: 'Discord does not know the intents',
  4014: 'Discord does not allow the intents',
}

export interface GatewayTools {
  readonly sdk: Sdk
  readonly token: () => Promise<string>
  /** The answer of `/gateway/bot`. */
  readonly ask: () => Promise<Got>
  readonly identified: Identified
  readonly onState: ChannelEvents['onState']
  /** Data of an INTERACTION_CREATE. Must not throw. */
  readonly onInteraction: (data: unknown) => void
  readonly clean: (text: string) => string
}

export interface Gateway {
  /** A connection that stands is made anew, with what the secret holds now. */
  renew(why: string): void
  close(): Promise<void>
}

interface Session {
  readonly sessionId: string
  readonly resumeURL: string
  readonly sequence: number
  readonly shardId: number
  readonly shardCount: number
}

interface End {
  readonly why: string
  readonly isFinal: boolean
  readonly keepsSession: boolean
  /** At least, until the next attempt. */
  readonly waitMs: number
}

export function openGateway({ sdk, token, ask, identified, onState, onInteraction, clean }: GatewayTools): Gateway {
  const closed = new AbortController()
  let session: (Session & { readonly token: string; readonly failures: number }) | null = null
  /** Monotonic; null: what earlier processes did is not known yet. */
  let identifiedMs: number | null = null
  let upSinceMs: number | null = null
  let hangUp: (end: End) => Promise<void> = async () => {}
  let wake = () => {}

  const down = (why: string, more: Partial<End> = {}): End => {
    return { why: clean(why), isFinal: false, keepsSession: true, waitMs: 0, ...more }
  }

  async function pause(forMs: number): Promise<void> {
    if (closed.signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, forMs)
    wake = resolve
    await promise
    clearTimeout(timer)
  }

  async function keepUp(): Promise<void> {
    for (let tries = 0; !closed.signal.aborted; tries += 1) {
      upSinceMs = null
      const end = await attempt().catch((error: unknown) => down(`trouble with the connection: ${messageOf(error)}`))
      if (closed.signal.aborted) return
      if (!end.keepsSession) session = null
      if (upSinceMs !== null && performance.now() - upSinceMs > STEADY_MS) tries = 0
      onState({ isUp: false, isFinal: end.isFinal, why: end.why })
      const growingMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10))
      await pause(Math.max(end.waitMs, growingMs * (0.5 + Math.random() / 2)))
    }
  }

  /** One connection from its beginning to its end. */
  async function attempt(): Promise<End> {
    const now = await token().catch((error: unknown) => down(messageOf(error), { isFinal: true }))
    if (typeof now !== 'string') return now
    if (session !== null && (session.token !== now || session.failures >= MOST_RESUMES)) session = null
    if (session !== null) {
      session = { ...session, failures: session.failures + 1 }
      return connect(now, session.resumeURL)
    }
    identifiedMs ??= await identified.lastMs()
    await pause(Math.max(0, identifiedMs + IDENTIFY_EVERY_MS - performance.now()))
    if (closed.signal.aborted) return down('closed')
    await identified.note()
    const asked = await ask()
    if (!asked.isDone) {
      const { failure } = asked
      const waitMs = failure.verdict === 'retry' ? Math.min(failure.afterMs ?? 0, LONGEST_WAIT_MS) : 0
      return down(failure.why, { isFinal: failure.verdict === 'refused' && failure.of === 'channel', waitMs })
    }
    const { url, session_start_limit: limit } = fieldsOf(asked.answer)
    const { remaining, reset_after: resetMs } = fieldsOf(limit)
    if (typeof url !== 'string' || !URL.canParse(url)) return down('Discord names no address of its gateway')
    if (typeof remaining === 'number' && remaining < FEW_IDENTIFIES) {
      const spreadMs = Math.min(LONGEST_WAIT_MS, Number(resetMs ?? LONGEST_WAIT_MS) / (remaining + 1))
      if (performance.now() - identifiedMs < spreadMs || remaining <= 0) {
        return down(`Discord lets the bot begin only ${remaining} more sessions for now`, { waitMs: spreadMs })
      }
    }
    return closed.signal.aborted ? down('closed') : connect(now, url)
  }

  async function connect(now: string, url: string): Promise<End> {
    const { promise: ended, resolve } = Promise.withResolvers<End>()
    let end: End | null = null
    let code = 0
    const manager = {
      options: {
        ...sdk.DefaultWebSocketManagerOptions,
        ...{ token: now, intents: INTENTS, version: '10', shardCount: 1, shardIds: [0] },
        ...{ handshakeTimeout: HANDSHAKE_MS, helloTimeout: STEP_MS, readyTimeout: STEP_MS },
        retrieveSessionInfo: () => session,
        // That it is lost is decided by how the connection ended: the SDK forgets it when the network fails.
        updateSessionInfo: (_: number, info: Session | null) => {
          if (info !== null) session = { ...info, token: now, failures: 0 }
        },
        buildIdentifyThrottler: async () => ({
          waitForIdentify: async () => {
            identifiedMs = performance.now()
            await identified.note()
          },
        }),
      },
      fetchGatewayInformation: async () => ({ url }),
      getShardCount: async () => 1,
      emit(event: string, payload: unknown) {
        const { data, error, code: closeCode } = fieldsOf(payload)
        // What has come counts, also when the end came with it: its sequence number is behind us.
        if (event === 'dispatch' && fieldsOf(data).t === 'INTERACTION_CREATE') onInteraction(fieldsOf(data).d)
        if (event === 'closed') code = Number(closeCode)
        if (event === 'error') finish(down(`the connection failed: ${messageOf(error)}`))
        // It was to end before there was a socket to close.
        if (event === 'hello' && end !== null) void shard.destroy({ code: 1000 })
        if (end !== null || (event !== 'ready' && event !== 'resumed')) return true
        clearTimeout(watchdog)
        upSinceMs = performance.now()
        onState({ isUp: true, isFinal: false, why: '' })
        return true
      },
    }
    const strategy = new sdk.SimpleShardingStrategy(manager as unknown as ShardingManager)
    const finish = (by: End, isLeaving = false) => {
      if (end !== null) return
      end = FINAL[code] === undefined ? by : finalEnd(code, by)
      clearTimeout(watchdog)
      if (!isLeaving) void shard.destroy({ code: end.keepsSession ? KEEPS : 1000 })
      void letGo(shard).then(() => resolve(end ?? by))
    }
    await strategy.spawn([0])
    const shard = shardOf(strategy)
    if (closed.signal.aborted) return down('closed')
    const watchdog = setTimeout(() => finish(down('the gateway did not get ready in time')), UP_WITHIN_MS)
    fence(
      shard,
      by => finish(endOf(code || (by.code ?? 0), by.reason, by.recover), true),
      error => finish(down(`trouble with the connection: ${messageOf(error)}`)),
    )
    hangUp = async by => {
      finish(by)
      await ended
    }
    strategy.connect().catch((error: unknown) => finish(down(`the connection failed: ${messageOf(error)}`)))
    return ended
  }

  function endOf(code: number, reason: string | undefined, recover: number | undefined): End {
    const hasName = code >= 4000 && code !== KEEPS
    const why = reason ?? (hasName ? `Discord ended the connection (code ${code})` : 'the connection was cut')
    // Discord forgets the session when it is told 1000; a network that fails tells nobody anything.
    return down(why, { keepsSession: recover === 1 || (!hasName && code !== 1000) })
  }

  const finalEnd = (code: number, by: End): End => ({
    ...{ ...by, isFinal: true, keepsSession: false, why: `${FINAL[code]} (code ${code})` },
    // Whether the token is taken again (4004) shows without an IDENTIFY.
    waitMs: code === 4004 ? 0 : FINAL_PAUSE_MS,
  })

  void keepUp()
  return {
    renew(why) {
      if (upSinceMs === null) return
      void hangUp(down(why, { isFinal: true, keepsSession: false }))
    },
    async close() {
      closed.abort()
      wake()
      await hangUp(down('closed', { keepsSession: false }))
    },
  }
}
