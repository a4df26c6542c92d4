import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { BOT } from '../config/bot-name.ts'
import type { ChannelSpec, SecretSpec } from '../config/channel-spec.ts'
import type { HostConfig, ServiceSpec } from '../config/spec.ts'
import { Fault } from '../fault.ts'
import { frontDoor } from '../front-door.ts'

/** Where the bot finds what it needs. */
export interface BotPlace {
  /** heald's state folder, absolute. */
  readonly state: string
  /** heald's own socket; the bot's is beside it. */
  readonly socket: string
  readonly version: string
  /** heald's environment: the bot gets the variables that hold its tokens, and no other. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The program in the place of `heald bot`, for tests. */
  readonly botArgv?: readonly string[]
}

const MIB = 1024 ** 2
const MEMORY_BYTES = 512 * MIB
/** The browser behind WhatsApp runs in a child process of the bot's. */
const BROWSER_BYTES = 768 * MIB

export function botSocketPath(socket: string): string {
  return join(dirname(socket), 'bot.sock')
}

export function botFolder({ bot }: Pick<HostConfig, 'bot'>, state: string): string {
  return bot.state ?? join(state, 'bot')
}

/**
 * The configuration with the bot as its first service, where there are channels and heald is to run it. It is healed
 * like any other, and has no target: whatever it does, nothing is rolled back.
 */
export function withBot(config: HostConfig, place: BotPlace): HostConfig {
  const { notice, bot, services } = config
  if (notice.channels.length === 0 || bot.run !== 'child') return config
  if (services.some(({ name }) => name === BOT))
    throw new Fault('config.reserved', `a service is named ${BOT}, which is heald's own name for what relays notices`, {
      hint: 'give that service another name, or leave the channels out',
    })
  return { ...config, services: [botService(config, place), ...services] }
}

function botService(config: HostConfig, place: BotPlace): ServiceSpec {
  const { bot, notice } = config
  const program = place.botArgv ?? [process.execPath, frontDoor(), BOT]
  const hasBrowser = notice.channels.some(({ kind }) => kind === 'whatsapp')
  return {
    name: BOT,
    run: [...program, '--folder', botFolder(config, place.state), '--socket', botSocketPath(place.socket)],
    cwd: '/',
    env: { ...secretsIn(notice.channels, place.env), HEALD_CHANNELS: digestOf(notice.channels, place.version) },
    ...(bot.user === null ? {} : { user: bot.user }),
    dependsOn: [],
    probes: {},
    restart: { firstMs: 0, baseMs: 200, capMs: 30_000, resetAfterMs: 60_000 },
    crashLoop: { failures: 3, withinMs: 60_000 },
    // A request under way may take 10 s, its connections 5 more.
    stop: { signal: 'SIGTERM', timeoutMs: 20_000 },
    limits: { memoryBytes: MEMORY_BYTES + (hasBrowser ? BROWSER_BYTES : 0) },
    logs: { maxBytes: 10 * MIB, keep: 3 },
    critical: false,
  }
}

/** A bot of other channels, or of another version of heald, has to be started anew: this is different then. */
function digestOf(channels: readonly ChannelSpec[], version: string): string {
  return createHash('sha256')
    .update(JSON.stringify([version, channels]))
    .digest('hex')
    .slice(0, 16)
}

function secretsIn(channels: readonly ChannelSpec[], env: BotPlace['env']): Record<string, string> {
  const names = channels.flatMap(secretsOf).flatMap(secret => ('env' in secret ? secret.env : []))
  return Object.fromEntries(names.flatMap(name => (env[name] === undefined ? [] : [[name, env[name]]])))
}

function secretsOf(channel: ChannelSpec): SecretSpec[] {
  if (channel.kind === 'telegram' || channel.kind === 'discord') return [channel.token]
  if (channel.kind !== 'slack') return []
  const { botToken, appToken, http } = channel
  return [botToken, appToken, http?.signingSecret ?? null].filter(secret => secret !== null)
}
