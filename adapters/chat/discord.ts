import type { Channel, OpenChannel, Verdict, Window, Word } from '../../bot/channel.ts'
import type { DiscordSpec } from '../../core/config/channel-spec.ts'
import { openGateway } from './discord-gateway.ts'
import { identifiedIn } from './discord-identified.ts'
import { type Asked, askedIn, bodyOf, fieldsOf, fits } from './discord-payload.ts'
import { messageOf, openRest, type Sdk } from './discord-rest.ts'

/** Messages: five in five seconds per channel, as its headers say today; all requests: "Global Rate Limit". */
const PACE: readonly Window[] = [
  { count: 5, perMs: 5000, over: 'chat' },
  { count: 50, perMs: 1000, over: 'all' },
]
/** Discord wants to hear of an interaction within 3 s. */
const ACKNOWLEDGE_MS = 3000
const SUPPRESS_NOTIFICATIONS = 1 << 12
/** Seen only by the one who asked. */
const EPHEMERAL = 1 << 6
/** Interactions whose second delivery is known. */
const MOST_KNOWN = 1000
/** Unknown interaction (too late, or answered at another place); acknowledged already. */
const UNKNOWN = 10062
const ACKNOWLEDGED = 40060
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
    onState: state => quietly(() => isClosed || tools.events.onState(state)),
    onInteraction: data => quietly(() => isClosed || hear(data)),
  })

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
    const acknowledged = acknowledge(asked)
    if (asked.kind !== 'command' && asked.kind !== 'button') return
    tools.events.onWord({
      platform: 'discord',
      ...{ user: asked.user, name: asked.name, chat: asked.chat },
      key: `discord:${asked.application}:${asked.id}`,
      button: asked.kind === 'button' ? asked.text : null,
      text: asked.text,
      ...{ options: null, code: null, isPaced: false, askCode: null, hide: async () => false },
      reply: replierTo(asked, acknowledged),
    })
  }

  /** Whether its token can be used for answers. Never rejects. */
  async function acknowledge({ id, token, kind }: Asked): Promise<boolean> {
    const body = {
      command: { type: 5, data: { flags: EPHEMERAL } },
      ...{ button: { type: 6 }, other: { type: 6 }, guess: { type: 8, data: { choices: [] } } },
    }[kind]
    const route = `/interactions/${encodeURIComponent(id)}/${encodeURIComponent(token)}/callback` as const
    const got = await rest.ask({ method: 'post', route, body, isOwn: true, withinMs: ACKNOWLEDGE_MS })
    if (got.isDone || got.code === ACKNOWLEDGED) return true
    if (got.code !== UNKNOWN) tools.warn(`Discord: a command was not acknowledged: ${got.failure.why}`)
    return false
  }

  function replierTo({ kind, application, token, chat }: Asked, acknowledged: Promise<boolean>): Word['reply'] {
    let isFirst = kind === 'command'
    return async message => {
      const body = bodyOf(message)
      if (await acknowledged) {
        const base = `/webhooks/${encodeURIComponent(application)}/${encodeURIComponent(token)}` as const
        const call = isFirst
          ? ({ method: 'patch', route: `${base}/messages/@original`, body } as const)
          : ({ method: 'post', route: base, body: { ...body, flags: EPHEMERAL } } as const)
        isFirst = false
        const got = await rest.ask({ ...call, isOwn: true })
        if (!got.isDone) tools.warn(`Discord: an answer was not shown: ${got.failure.why}`)
        return null
      }
      // It came too late for an answer of its own, as after a cut: said where it was asked, if that is one of ours.
      if (!spec.chats.includes(chat)) return null
      const got = await send('post', `/channels/${chat}/messages`, body)
      if (got.verdict !== 'done') tools.warn(`Discord: an answer was not shown: ${got.why}`)
      return null
    }
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
    async close() {
      isClosed = true
      rest.close()
      await gateway.close()
    },
  }
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
