import type { Sdk } from './discord-rest.ts'

export type ShardingManager = ConstructorParameters<Sdk['SimpleShardingStrategy']>[0]

export interface DestroyOptions {
  readonly code?: number
  readonly reason?: string
  /** 1: RESUME, 0: IDENTIFY, none: neither. */
  readonly recover?: number
}

/** The parts of the SDK's shard that are used here, though not all are meant for others: its version is pinned. */
interface Shard {
  connection: Socket | null
  destroy(options: DestroyOptions): Promise<unknown>
  onMessage(...given: unknown[]): Promise<unknown>
  onClose(...given: unknown[]): Promise<unknown>
  heartbeat(...given: unknown[]): Promise<unknown>
  internalConnect(): Promise<unknown>
}

interface Socket {
  readonly readyState: number
  addEventListener(event: 'error', hear: () => void): void
  terminate(): void
}

const CLOSED = 3

export function shardOf(strategy: object): Shard {
  const shard = 'shards' in strategy && strategy.shards instanceof Map ? strategy.shards.get(0) : undefined
  const wanted = ['destroy', 'onMessage', 'onClose', 'heartbeat', 'internalConnect']
  if (wanted.every(name => typeof shard?.[name] === 'function')) return shard
  throw new Error('this is not the version of discord.js that this was written for')
}

/**
 * Makes the shard one that connects once. What it does in the background ends in no unhandled rejection: the SDK calls
 * these without waiting for them. `onDestroy`: it is ending the connection, for whatever reason.
 */
export function fence(
  shard: Shard,
  onDestroy: (by: DestroyOptions) => void,
  onTrouble: (error: unknown) => void,
): void {
  const { destroy, internalConnect } = shard
  for (const name of ['onMessage', 'onClose', 'heartbeat'] as const) {
    const original = shard[name]
    shard[name] = (...given) => original.apply(shard, given).catch(onTrouble)
  }
  let hasConnected = false
  shard.internalConnect = async () => {
    if (hasConnected) return
    hasConnected = true
    await internalConnect.call(shard).catch(onTrouble)
  }
  shard.destroy = options => {
    const done = destroy.call(shard, options).catch(onTrouble)
    onDestroy(options)
    return done
  }
}

/** For the other side to answer a close. */
const LINGER_MS = 1500

/** Waits until the socket is closed, and makes it so when the other side does not answer: gone within 1.5 s. */
export async function letGo(shard: Shard): Promise<void> {
  // Nobody else listens any more, and an `error` that nobody hears ends the process.
  const muffled = shard.connection
  muffled?.addEventListener('error', () => {})
  const endMs = performance.now() + LINGER_MS
  while (muffled !== null && muffled.readyState !== CLOSED && performance.now() < endMs) {
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const socket = shard.connection
  if (socket === null || socket.readyState === CLOSED) return
  socket.addEventListener('error', () => {})
  socket.terminate()
}
