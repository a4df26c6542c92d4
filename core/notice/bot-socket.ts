import { BOT_ROUTES, type BotControl } from '../api/bot-routes.ts'
import type { Follow } from '../api/routes.ts'
import { type ApiServer, serve } from '../api/server.ts'
import type { Clock } from '../clock.ts'
import type { HostConfig } from '../config/spec.ts'
import { messageOf } from '../fault.ts'
import { letThrough, makeBotFolder, type Owner } from './bot-folder.ts'
import { botFolder, botSocketPath } from './bot-service.ts'

export interface BotSocketOptions {
  readonly clock: Clock
  /** heald's state folder and its own socket. */
  readonly state: string
  readonly socket: string
  readonly control: BotControl
  readonly follow: Follow
  /** Looks a user up; resolves to why it can't be used, in words. */
  readonly findAccount: (user: string) => Promise<Owner | { readonly missing: string }>
  readonly warn: (text: string) => void
}

export interface BotSocket {
  /** Opens it where there are channels, for the bot's user; closes it where there are none. Never rejects. */
  apply(config: HostConfig): Promise<void>
  close(timeoutMs: number): Promise<void>
}

const CLOSE_MS = 500
const AGAIN_MS = 30_000
/** The user of the unit that `heald install` writes. */
const UNIT_USER = 'heald-bot'

/** The bot's socket, and the ground that the bot needs. Trouble with it is told and tried again: healing goes on. */
export function botSocket(options: BotSocketOptions): BotSocket {
  const { warn } = options
  const path = botSocketPath(options.socket)
  let server: ApiServer | null = null
  let openFor: string | null = null
  let isClosed = false
  let cancelRetry = () => {}
  let turn: Promise<void> = Promise.resolve()

  async function ownerOf(config: HostConfig): Promise<Owner | null> {
    const { user, run } = config.bot
    if (user === null && run !== 'unit') return null
    const found = await options.findAccount(user ?? UNIT_USER)
    if (!('missing' in found)) return found
    // Whoever runs the bot as a unit may have it as heald's own user.
    if (user === null) return null
    warn(`${path} is open to heald's own user only: ${found.missing}`)
    return null
  }

  async function open(config: HostConfig): Promise<void> {
    const wanted = config.notice.channels.length === 0 ? null : JSON.stringify(config.bot)
    if (isClosed || wanted === openFor) return
    await server?.close(CLOSE_MS)
    server = null
    openFor = null
    if (wanted === null) return
    const owner = await ownerOf(config)
    const folder = botFolder(config, options.state)
    // A unit has a folder of its own.
    if (config.bot.run === 'child') makeBotFolder(folder, owner)
    const places = config.bot.run === 'child' ? [folder, path] : [path]
    if (owner !== null) for (const place of places) letThrough(options.state, place)
    server = await serve({
      socket: path,
      // Of a plain user's heald it stays that user's: only root can give files away.
      owner: process.geteuid?.() === 0 ? (owner?.uid ?? null) : null,
      routes: BOT_ROUTES,
      ...{ control: options.control, follow: options.follow, warn },
    })
    openFor = wanted
  }

  async function tried(config: HostConfig): Promise<void> {
    cancelRetry()
    try {
      await open(config)
    } catch (error) {
      if (isClosed) return
      warn(`the bot can't reach heald yet: ${messageOf(error)}`)
      cancelRetry = options.clock.after(AGAIN_MS, () => void apply(config))
    }
  }

  function apply(config: HostConfig): Promise<void> {
    turn = turn.then(() => tried(config))
    return turn
  }

  return {
    apply,
    async close(timeoutMs) {
      isClosed = true
      cancelRetry()
      await turn
      await server?.close(timeoutMs)
    },
  }
}
