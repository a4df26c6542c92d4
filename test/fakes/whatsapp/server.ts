import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Account, account, EDIT_WINDOW_MS } from './account.ts'
import { selfSigned } from './certificate.ts'

// WhatsApp's servers and the telephone, as WhatsApp Web sees them. The page that it serves plays WhatsApp Web for the real
// whatsapp-web.js in a real Chromium. It encodes a reading of the library, not of WhatsApp: it proves that bot, library and
// browser work together, not that today's WhatsApp does.

export type WhatsAppTrouble =
  /** Answered with an error: the message shows a red mark (ack -1). Nothing is kept. */
  | 'refuse'
  /** Kept, and never answered. */
  | 'answer lost'
  /** Neither kept nor answered. */
  | 'hang'
  /** The connection is closed, nothing is kept, and no new one stands for `keepAliveMs`. */
  | 'cut'

export interface WhatsAppFake {
  readonly account: Account
  /** For the spec's `browserArgs`: the browser finds only this server, under WhatsApp's name. */
  readonly browserArgs: readonly string[]
  /** Requests that send, edit or look for a message, also refused ones. */
  requests(): number
  /** What the next message or edit meets. */
  next(trouble: WhatsAppTrouble | null): void
  /** Whether a page is connected, and with a session. */
  isLinked(): boolean
  /** The code that is shown now, without the keys that the page puts behind it; null: none. */
  qrRef(): string | null
  /** The telephone scans the code that is shown now. Said beforehand, it scans the next one. */
  scan(): void
  /** Somebody unlinks the device at the telephone. */
  unlink(): void
  /** Somebody deletes a message for everyone. */
  revoke(key: string): void
  /** Somebody takes the bot out of a group. */
  expel(chat: string): void
  /** Cuts the page's connection; it may come back at once. */
  cut(): void
  /** The page tells a state: `CONFLICT`, `UNPAIRED_IDLE`, `TOS_BLOCK` … */
  state(state: string): void
  /** A new code, as every 20 s. */
  newCode(): void
  /** When the page tells that it has what it needs; `early`: before anybody listens; `never`. */
  sync(sync: 'on time' | 'early' | 'never'): void
  /** Pages that were loaded so far. */
  pages(): number
  /** Everything as at the start, but for the linked device. */
  reset(): void
  close(): Promise<void>
}

export interface WhatsAppFakeOptions {
  /** 0: any. */
  readonly port?: number
  /** After how long without an answer the page takes its connection for dead. */
  readonly keepAliveMs?: number
  readonly codeMs?: number
  /** The number that the device is linked to. */
  readonly me?: string
}

const HOST = 'web.whatsapp.com'
const SCRIPTS = ['models.js', 'link.js', 'modules.js']

export async function startWhatsAppFake(options: WhatsAppFakeOptions = {}): Promise<WhatsAppFake> {
  const { port = 0, keepAliveMs = 20_000, codeMs = 20_000, me = '15550001111@c.us' } = options
  const certificate = selfSigned(HOST)
  const kept = account(me)
  const sessions = new Set<string>()
  const sockets = new Set<WebSocket>()
  let page: WebSocket | null = null
  let session: string | null = null
  let ref: string | null = null
  let codeTimer: NodeJS.Timeout | undefined
  let trouble: WhatsAppTrouble | null = null
  let sync: 'on time' | 'early' | 'never' = 'on time'
  let outUntilMs = 0
  let scansNext = false
  let requests = 0
  let pages = 0

  const settings = JSON.stringify({ me, keepAliveMs, editWindowMs: EDIT_WINDOW_MS })
  const scripts = SCRIPTS.map(file => readFileSync(join(import.meta.dirname, 'page', file), 'utf8'))
  const html = [`globalThis.fakeSettings = ${settings}`, ...scripts].map(text => `<script>${text}</script>`).join('\n')
  const server = createServer({ key: certificate.key, cert: certificate.cert }, (request, response) => {
    const isPage = request.method === 'GET' && /^\/(\?.*)?$/.test(request.url ?? '')
    pages += isPage ? 1 : 0
    response.writeHead(isPage ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' })
    response.end(isPage ? `<!doctype html><title>WhatsApp</title><body>${html}</body>` : '')
  })
  const upgrades = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/ws' || performance.now() < outUntilMs) socket.destroy()
    else upgrades.handleUpgrade(request, socket, head, open)
  })

  function push(data: object): void {
    if (page?.readyState === 1) page.send(JSON.stringify(data))
  }

  function newCode(): void {
    clearTimeout(codeTimer)
    ref = `2@${randomBytes(48).toString('base64')}`
    push({ op: 'qr', ref })
    codeTimer = setTimeout(newCode, codeMs)
    codeTimer.unref()
    if (scansNext) scan()
  }

  function scan(): void {
    scansNext = ref === null
    if (ref === null) return
    clearTimeout(codeTimer)
    ref = null
    session = randomUUID()
    sessions.add(session)
    push({ op: 'paired', session })
    login()
  }

  function login(): void {
    const messages = [...kept.messages.values()].filter(({ isRevoked }) => !isRevoked).slice(-50)
    push({ op: 'login', chats: [...kept.chats.values()], messages, sync })
  }

  function open(socket: WebSocket): void {
    page = socket
    session = null
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      if (page !== socket) return
      page = null
      ref = null
      clearTimeout(codeTimer)
    })
    socket.on('message', data => {
      const message = JSON.parse(String(data))
      if (socket !== page) return
      const answer = answerTo(message)
      if (answer !== null) socket.send(JSON.stringify({ reply: message.id, ...answer }))
    })
  }

  /** Null: there is none, now or ever. */
  function answerTo(message: Record<string, unknown>): object | null {
    const { op } = message
    if (op === 'hello') {
      session = typeof message.session === 'string' && sessions.has(message.session) ? message.session : null
      if (session === null) newCode()
      else login()
      return null
    }
    if (op === 'refreshQR') {
      newCode()
      return null
    }
    if (op === 'pairCode') {
      return /^\d{6,15}$/.test(String(message.phone)) ? { code: 'ABCD1234' } : { error: 'not a phone number' }
    }
    if (session === null) {
      kept.breaches.push(`${String(op)} without a session`)
      return null
    }
    const chat = String(message.chat)
    if (op === 'exists') return { exists: kept.exists(chat) }
    if (op === 'group') return kept.chats.has(chat) ? { chat: kept.chats.get(chat) } : { error: 'item-not-found' }
    if (op === 'send') return taken(() => kept.take(message.message))
    if (op === 'edit') return taken(() => kept.edit(String(message.key), message.body))
    if (op === 'logout') {
      unlink()
      return {}
    }
    kept.breaches.push(`an unknown request: ${String(op)}`)
    return { error: 'bad-request' }
  }

  function taken(take: () => string | null): object | null {
    requests += 1
    const now = trouble
    trouble = null
    if (now === 'hang') return null
    if (now === 'cut') {
      outUntilMs = performance.now() + keepAliveMs
      page?.terminate()
      return null
    }
    if (now === 'refuse') return { error: 'internal-server-error' }
    const error = take()
    if (now === 'answer lost') return null
    return error === null ? {} : { error }
  }

  function unlink(): void {
    if (session !== null) sessions.delete(session)
    session = null
    push({ op: 'logout' })
  }

  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const at = (server.address() as AddressInfo).port
  return {
    account: kept,
    browserArgs: [
      `--host-resolver-rules=MAP ${HOST}:443 127.0.0.1:${at},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1`,
      `--ignore-certificate-errors-spki-list=${certificate.spki}`,
    ],
    requests: () => requests,
    next: next => {
      trouble = next
    },
    isLinked: () => page !== null && session !== null,
    qrRef: () => ref,
    scan,
    unlink,
    revoke(key) {
      const message = kept.messages.get(key)
      if (message !== undefined) message.isRevoked = true
      push({ op: 'revoke', key })
    },
    expel(id) {
      const chat = kept.chats.get(id)
      if (chat === undefined) return
      chat.participants = chat.participants.filter(one => one !== me)
      push({ op: 'chat', chat })
    },
    cut: () => page?.terminate(),
    state: state => push({ op: 'state', state }),
    newCode,
    sync: next => {
      sync = next
    },
    pages: () => pages,
    reset() {
      trouble = null
      sync = 'on time'
      outUntilMs = 0
      scansNext = false
      requests = 0
      kept.messages.clear()
      kept.breaches.length = 0
      for (const [id, chat] of kept.chats) if (id.endsWith('@g.us')) chat.participants = [me]
    },
    async close() {
      clearTimeout(codeTimer)
      for (const socket of sockets) socket.terminate()
      upgrades.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
