import { access } from 'node:fs/promises'
import type { DiscordSpec, SlackSpec, TelegramSpec, WhatsAppSpec } from '../../core/config/channel-spec.ts'
import type { ProbeChannel, ReadSecret } from '../../core/doctor/channels.ts'
import { markOf } from './whatsapp-folder.ts'

type Answer = Awaited<ReturnType<ProbeChannel>>[number]
/** What a platform said, or why it could not be asked. */
type Said = { readonly status: number; readonly body: Readonly<Record<string, unknown>> } | { readonly why: string }

const DEADLINE_MS = 5000
/** Answers to these questions are a few KiB. */
const MAX_BYTES = 256 * 1024
const MAX_WORDS = 120
/** Chats asked about at once. */
const AT_ONCE = 5

/** Asks the platforms by their plain HTTP interfaces: no SDK is loaded, nothing is posted. */
export const probeChannel: ProbeChannel = async (spec, readSecret, folder) => {
  try {
    if (spec.kind === 'telegram') return await probeTelegram(spec, readSecret)
    if (spec.kind === 'discord') return await probeDiscord(spec, readSecret)
    if (spec.kind === 'slack') return await probeSlack(spec, readSecret)
    if (spec.kind === 'whatsapp') return [await probeWhatsApp(spec, folder)]
    return [{ ok: true, why: 'printed by the bot: heald logs bot' }]
  } catch (error) {
    // Only reading a secret rejects, in words that do not hold it.
    return [{ ok: false, why: error instanceof Error ? error.message : 'its secret can not be read' }]
  }
}

async function probeTelegram(
  { token: secret, apiRoot, chats }: TelegramSpec,
  readSecret: ReadSecret,
): Promise<Answer[]> {
  const token = await readSecret(secret)
  const method = (name: string) => `${apiRoot}/bot${token.replaceAll(/[^\w:-]/g, encodeURIComponent)}/${name}`
  const me = await ask(method('getMe'), {}, token)
  if ('why' in me) return [{ ok: false, why: me.why }]
  if (me.body.ok !== true) {
    // A token of the wrong form is no known address at all.
    const isToken = me.status === 401 || me.status === 404
    return [{ ok: false, why: isToken ? 'does not take the token' : refusal(me.status, me.body.description, token) }]
  }
  const name = words(fieldOf(me.body.result, 'username'), token)
  const asked = await inTurn(chats, async (chat): Promise<Answer> => {
    const found = await ask(method('getChat'), post({ chat_id: chat }), token)
    if ('why' in found) return { ok: false, why: found.why }
    if (found.body.ok === true) return { ok: true, why: words(titleOf(found.body.result), token) || 'is there' }
    const moved = fieldOf(found.body.parameters, 'migrate_to_chat_id')
    if (moved !== undefined) return { ok: false, why: `has become the chat ${words(String(moved), token)}: write that` }
    const why = refusal(found.status, found.body.description, token)
    return { ok: false, why: found.status === 400 ? `${why}; add the bot to it` : why }
  })
  return [{ ok: true, why: `takes the token of @${name}` }, ...asked]
}

function titleOf(chat: unknown): unknown {
  return fieldOf(chat, 'title') ?? fieldOf(chat, 'username') ?? fieldOf(chat, 'first_name')
}

async function probeDiscord({ token: secret, apiUrl, chats }: DiscordSpec, readSecret: ReadSecret): Promise<Answer[]> {
  const token = await readSecret(secret)
  // Without a name of this form Discord refuses requests.
  const headers = { authorization: `Bot ${token}`, 'user-agent': 'DiscordBot (heald, 0.1)' }
  const me = await ask(`${apiUrl}/v10/users/@me`, { headers }, token)
  if ('why' in me) return [{ ok: false, why: me.why }]
  if (me.status !== 200) {
    return [
      { ok: false, why: me.status === 401 ? 'does not take the token' : refusal(me.status, me.body.message, token) },
    ]
  }
  const asked = await inTurn(chats, async (chat): Promise<Answer> => {
    const found = await ask(`${apiUrl}/v10/channels/${encodeURIComponent(chat)}`, { headers }, token)
    if ('why' in found) return { ok: false, why: found.why }
    if (found.status === 200) return { ok: true, why: `#${words(found.body.name, token)}` }
    const why = refusal(found.status, found.body.message, token)
    const isHidden = found.status === 403 || found.status === 404
    return { ok: false, why: isHidden ? `${why}; invite the bot, and let it view the channel` : why }
  })
  return [{ ok: true, why: `takes the token of ${words(me.body.username, token)}` }, ...asked]
}

async function probeSlack({ botToken, apiUrl, chats }: SlackSpec, readSecret: ReadSecret): Promise<Answer[]> {
  const token = await readSecret(botToken)
  const headers = { authorization: `Bearer ${token}` }
  const me = await ask(`${apiUrl}auth.test`, post({}, headers), token)
  if ('why' in me) return [{ ok: false, why: me.why }]
  if (me.body.ok !== true) {
    const isToken = /^(invalid_auth|not_authed|account_inactive|token_revoked|token_expired)$/.test(
      String(me.body.error),
    )
    const said = refusal(me.status, me.body.error, token)
    return [{ ok: false, why: isToken ? `does not take the bot token (${words(me.body.error, token)})` : said }]
  }
  const asked = await inTurn(chats, async (chat): Promise<Answer> => {
    const found = await ask(`${apiUrl}conversations.info`, post({ channel: chat }, headers), token)
    if ('why' in found) return { ok: false, why: found.why }
    const name = words(fieldOf(found.body.channel, 'name'), token)
    if (found.body.ok !== true) {
      const why = refusal(found.status, found.body.error, token)
      if (found.body.error !== 'missing_scope') return { ok: false, why }
      return { ok: false, why: 'can not be looked at without the scopes channels:read and groups:read' }
    }
    // A direct message has no members to be one of.
    if (fieldOf(found.body.channel, 'is_member') !== false)
      return { ok: true, why: name === '' ? 'is there' : `#${name}` }
    return { ok: false, why: `the bot is not in #${name}; write /invite and its name there` }
  })
  return [
    { ok: true, why: `takes the token of ${words(me.body.user, token)} in ${words(me.body.team, token)}` },
    ...asked,
  ]
}

async function probeWhatsApp(_: WhatsAppSpec, folder: string): Promise<Answer> {
  try {
    await access(markOf(folder))
    return { ok: true, why: `paired: its session is in ${folder}` }
  } catch (error) {
    const code = codeIn(error)
    if (code === 'ENOENT') return { ok: false, why: `no session in ${folder}: it is not paired yet` }
    return { ok: false, why: `only its owner and root can look into ${folder} (${code})` }
  }
}

function post(form: Record<string, string>, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers, body: new URLSearchParams(form) }
}

/** Says by code why there was no answer: messages of errors can hold the address, and with it a token. */
async function ask(url: string, request: RequestInit, token: string): Promise<Said> {
  try {
    // A token follows no redirect.
    const answer = await fetch(url, { ...request, redirect: 'error', signal: AbortSignal.timeout(DEADLINE_MS) })
    const text = await readSome(answer)
    if (text === undefined) return { why: 'answers with far too much: is this its address?' }
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
      return { status: answer.status, body: Object.fromEntries(Object.entries(body)) }
    }
    return { why: `answers ${answer.status} with what is no answer of its: is this its address?` }
  } catch (error) {
    if (error instanceof SyntaxError) return { why: 'answers with what is no JSON: is this its address?' }
    if (error instanceof Error && error.name === 'TimeoutError')
      return { why: `no answer within ${DEADLINE_MS / 1000} s` }
    return { why: `can't be reached: ${words(codeIn(error), token) || 'no connection'}` }
  }
}

async function readSome(answer: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer.body ?? []) {
    length += chunk.length
    if (length > MAX_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function codeIn(error: unknown): unknown {
  return fieldOf(fieldOf(error, 'cause'), 'code') ?? fieldOf(error, 'code')
}

function refusal(status: number, said: unknown, token: string): string {
  const text = words(said, token)
  return text === '' ? `answers ${status}` : `answers ${status}: ${text}`
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

/** What the other side wrote, fit to be printed: one short line, and the token not in it. */
function words(value: unknown, token: string): string {
  if (typeof value !== 'string') return ''
  const clean = value.replaceAll(token, '…').replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
  return clean.length > MAX_WORDS ? `${clean.slice(0, MAX_WORDS)}…` : clean
}

async function inTurn(chats: readonly string[], one: (chat: string) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let from = 0; from < chats.length; from += AT_ONCE) {
    answers.push(...(await Promise.all(chats.slice(from, from + AT_ONCE).map(one))))
  }
  return answers
}
