/**
 * Tells one chat one sentence, with nothing of heald: it is run when heald itself stays down.
 *
 *   node sender.ts telegram|discord|slack API CHAT TEXT
 *
 * The token is in $CREDENTIALS_DIRECTORY/token. Exit code 0: the platform took it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const TRIES = 4
const PAUSE_MS = 3000
const DEADLINE_MS = 10_000

const [kind = '', api = '', chat = '', text = ''] = process.argv.slice(2)

function request(token: string): readonly [url: string, headers: Record<string, string>, body: object] {
  if (kind === 'telegram') return [`${api}/bot${token}/sendMessage`, {}, { chat_id: chat, text }]
  if (kind === 'discord')
    return [`${api}/v10/channels/${chat}/messages`, { authorization: `Bot ${token}` }, { content: text }]
  return [`${api}chat.postMessage`, { authorization: `Bearer ${token}` }, { channel: chat, text }]
}

/** Why it was not taken; null when it was. */
async function send(): Promise<string | null> {
  const token = readFileSync(join(process.env.CREDENTIALS_DIRECTORY ?? '.', 'token'), 'utf8').trim()
  const [url, headers, body] = request(token)
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE_MS),
  })
  // Slack says no with status 200.
  const { ok } = (await answer.json().catch(() => ({}))) as { ok?: boolean }
  return answer.ok && ok !== false ? null : `it answered with status ${answer.status}`
}

let why: string | null = null
for (let left = TRIES; left > 0; left -= 1) {
  // An error of fetch may hold the address, which holds the token: only its kind is told.
  why = await send().catch(error => (error instanceof Error ? error.name : 'it failed'))
  if (why === null) break
  if (left > 1) await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
}
if (why !== null) {
  process.stderr.write(`${kind} was not told that heald is down: ${why}\n`)
  process.exitCode = 1
}
