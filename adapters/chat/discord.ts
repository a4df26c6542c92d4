import type { Channel, OpenChannel, Verdict, Window, Word } from '../../bot/channel.ts'
import type { DiscordSpec } from '../../core/config/channel-spec.ts'
import { acknowledge, answersTo } from './discord-answers.ts'
import { askedIn } from './discord-asked.ts'
import { registerCommands } from './discord-commands.ts'
import { openGateway } from './discord-gateway.ts'
import { identifiedIn } from './discord-identified.ts'
import { bodyOf, fieldsOf, fits } from './discord-payload.ts'
import { messageOf, openRest, type Sdk } from './discord-rest.ts'

/** Messages: five in five seconds per channel, as its headers say today; all requests: "Global Rate Limit". */
const PACE: readonly Window[] = [
  { count: 5, perMs: 5000, over: 'chat' },
  { count: 50, perMs: 1000, over: 'all' },
]
const SUPPRESS_NOTIFICATIONS = 1 << 12
/** Interactions whose second delivery is known. */
const MOST_KNOWN = 1000
/** Discord's ids, today 17 to 19 digits. */
const ID = /^\d{15,20}$/

/**
 * Discord: a bot that posts by REST, and hears slash commands and buttons at the gateway. Typed text is no word here: to
 * read it would need the privileged message content intent. References are message ids.
 */
export const openDiscord: OpenChannel<DiscordSpec> = async (spec, tools): Promise<Channel> => {
  if (!URL.canParse(spec.apiUrl)) {
    throw fault('channel.address', `${JSON.stringify(spec.apiUrl)} is no address of Discord’s API`, {
      hint: 'Leave `apiUrl` out, or give one that ends with `/api`.',
    })
  }
  const sdk = await load()
  let isClosed = false
  /** Discord tells whoever speaks that nobody has answered. */
  let isDeaf = false
  let isRegistered = tools.words === undefined
  const known = new Set<string>()

  const rest = openRest({
    sdk,
    apiUrl: spec.apiUrl,
    readToken: () => tools.readSecret(spec.token),
    onUnauthorised: () => gateway.renew('Discord does not take the bot’s token'),
  })
  const gateway = openGateway({
    sdk,
    token: rest.token,
    ask: () => rest.ask({ method: 'get', route: '/gateway/bot' }),
    identified: identifiedIn(tools.folder, tools.warn),
    clean: rest.clean,
    onState(state) {
      quietly(() => isClosed || tools.events.onState(state))
      if (state.isUp && !isClosed) void register()
    },
    onInteraction: data => quietly(() => isClosed || isDeaf || hear(data)),
  })

  const answers = { rest, tools, chats: spec.chats }

  async function register(): Promise<void> {
    if (isRegistered || tools.words === undefined) return
    isRegistered = await registerCommands(rest, tools.words, tools.warn)
  }

  /** What runs inside the SDK's turn must not throw into it. */
  function quietly(act: () => unknown): void {
    try {
      act()
    } catch (error) {
      tools.warn(rest.clean(`Discord: a listener failed: ${messageOf(error)}`))
    }
  }

  function hear(data: unknown): void {
    const asked = askedIn(data)
    if (asked === null || known.has(asked.id)) return
    known.add(asked.id)
    for (const oldest of known) {
      if (known.size <= MOST_KNOWN) break
      known.delete(oldest)
    }
    const acknowledged = acknowledge(asked, answers)
    if (asked.kind !== 'command' && asked.kind !== 'button' && asked.kind !== 'form') return
    const word: Word = {
      platform: 'discord',
      ...{ user: asked.user, name: asked.name, chat: asked.chat },
      key: `discord:${asked.application}:${asked.id}`,
      saidMs: null,
      button: asked.kind === 'command' ? null : asked.text,
      text: asked.kind === 'command' ? asked.text : '',
      ...{ options: asked.options, code: asked.code },
      ...answersTo(asked, acknowledged, answers),
    }
    // Nothing is sent again that was acknowledged, so nobody waits for how it is handled.
    const failed = (error: unknown) => quietly(() => rethrow(error))
    void (async () => tools.events.onWord(word))().catch(failed)
  }

  async function send(method: 'post' | 'patch', route: `/${string}`, body: unknown): Promise<Verdict> {
    const got = await rest.ask({ method, route, body })
    if (!got.isDone) return got.failure
    const { id } = fieldsOf(got.answer)
    if (typeof id === 'string' && ID.test(id)) return { verdict: 'done', reference: id }
    return { verdict: 'retry', afterMs: null, of: 'channel', isOpen: true, why: 'Discord’s answer names no message' }
  }

  return {
    name: 'discord',
    pace: () => PACE,
    fits,
    async post(chat, message, { key, isSilent, replyTo }) {
      if (!ID.test(chat)) return noChat(chat)
      return send('post', `/channels/${chat}/messages`, {
        ...bodyOf(message),
        // A second one with the same nonce, within a few minutes, is the first one.
        ...{ nonce: key, enforce_nonce: true },
        ...(isSilent ? { flags: SUPPRESS_NOTIFICATIONS } : {}),
        ...(replyTo === null || !ID.test(replyTo)
          ? {}
          : { message_reference: { message_id: replyTo, channel_id: chat, fail_if_not_exists: false } }),
      })
    },
    async edit(chat, reference, message) {
      if (!ID.test(chat)) return noChat(chat)
      if (!ID.test(reference)) return { verdict: 'gone', why: 'this is no reference of a message on Discord' }
      return send('patch', `/channels/${chat}/messages/${reference}`, bodyOf(message))
    },
    deafen() {
      isDeaf = true
    },
    async close() {
      isClosed = true
      rest.close()
      await gateway.close()
    },
  }
}

function rethrow(error: unknown): never {
  throw error
}

function noChat(chat: string): Verdict {
  return { verdict: 'refused', of: 'chat', why: `${JSON.stringify(chat.slice(0, 100))} is no id of a Discord channel` }
}

async function load(): Promise<Sdk> {
  try {
    return await import('discord.js')
  } catch (cause) {
    throw fault('channel.sdk', 'discord.js can’t be loaded', { hint: 'Install it: npm install discord.js', cause })
  }
}

/** An error in the shape of a Fault: adapters may not load the class itself. */
function fault(code: string, message: string, { hint, cause }: { hint: string; cause?: unknown }): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause })
  return Object.assign(error, { name: 'Fault', code, hint, retry: 'no' })
}
