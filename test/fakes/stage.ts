import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Board, openBoard, PERSON, perform } from './board.ts'
import { BOARD_PAGE } from './board-page.ts'
import { ADA } from './discord/interactions.ts'

/** The page; the fakes have the ports after it. */
export const DEFAULT_PORT = 8700
const MOST_BODY = 64 * 1024

export interface StageOptions {
  readonly port: number
  /** Also WhatsApp, for which heald needs Chromium. */
  readonly whatsapp: boolean
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly signal: AbortSignal
}

/** The fakes and their page, until `signal` is aborted. Answers with an exit code. */
export async function runStage({ port, whatsapp, out, err, signal }: StageOptions): Promise<number> {
  const ports = [port + 1, port + 2, port + 3] as const
  const whatsAppPort = whatsapp ? port + 4 : null
  for (const each of [port, ...ports, ...(whatsAppPort === null ? [] : [whatsAppPort])])
    if (!(await isFree(each))) {
      err(`heald fakes: port ${each} of 127.0.0.1 is taken; another one: --port ${port + 100}\n`)
      return 1
    }
  const board = await openBoard(ports, whatsAppPort)
  const server = createServer((request, response) => {
    serve(board, port, request, response).catch(() => response.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  out(introduction(board, port))
  if (!signal.aborted) await once(signal, 'abort')
  server.closeAllConnections()
  server.close()
  await board.close()
  return 0
}

async function serve(board: Board, port: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = (status: number, type: string, text: string) =>
    response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' }).end(text)
  // Pages of elsewhere, which a browser here may have open, get nothing and do nothing.
  const isHere = [`127.0.0.1:${port}`, `localhost:${port}`].includes(request.headers.host ?? '')
  if (!isHere) return void answer(403, 'text/plain', 'only from this machine')
  if (request.method === 'GET' && request.url === '/') return void answer(200, 'text/html', BOARD_PAGE)
  if (request.method === 'GET' && request.url === '/chats')
    return void answer(200, 'application/json', JSON.stringify(board.chats()))
  const isOrder = request.method === 'POST' && request.headers['content-type'] === 'application/json'
  if (!isOrder || request.url !== '/do') return void answer(404, 'text/plain', 'not found')
  let body = ''
  for await (const part of request) {
    body += part
    if (body.length > MOST_BODY) return void answer(413, 'text/plain', 'too long')
  }
  try {
    perform(board, JSON.parse(body))
    answer(200, 'text/plain', '')
  } catch (error) {
    answer(400, 'text/plain', error instanceof Error ? error.message : 'it can not be done')
  }
}

/** Ready to paste; comments say what is what. The tokens open nothing but these fakes. */
function introduction({ telegram, discord, slack, whatsapp }: Board, port: number): string {
  const list = (ids: Iterable<string | number>) => [...ids].map(id => JSON.stringify(id)).join(', ')
  const pairing =
    whatsapp === null
      ? ''
      : `# first, once, the fake telephone scans the code that this shows (Chromium has to be installed):
#   npx heald whatsapp pair --config heald.yaml --state /tmp/heald-fakes
`
  const whatsAppLine =
    whatsapp === null
      ? ''
      : `  whatsapp: { chats: [${list(whatsapp.account.chats.keys())}], browserArgs: [${list(whatsapp.browserArgs)}] }\n`
  return `# Fake Telegram, Discord${whatsapp === null ? ' and Slack' : ', Slack and WhatsApp'} are up: http://127.0.0.1:${port}/   (Ctrl-C ends them)
#
# In another shell, in this folder, with this text as heald.yaml, its tokens:
#   export FAKE_TELEGRAM=${telegram.token}
#   export FAKE_DISCORD=${discord.world.token}
#   export FAKE_SLACK_BOT=${slack.workspace.botToken}
#   export FAKE_SLACK_APP=${slack.workspace.appToken}
${pairing}# then
#   npx heald up --config heald.yaml --state /tmp/heald-fakes
# and to end it all: npx heald down --state /tmp/heald-fakes

services:
  sample: { run: [sh, -c, "sleep 15; echo 'out of luck'; exit 1"] }    # crashes 15 s after each start

operators:    # who writes on the page; with codes: add "totp: { file: /tmp/heald-fakes-code }", then "npx heald totp you"
  you: { role: admin, telegram: ${PERSON}, discord: "${ADA.id}", slack: ${slack.workspace.team}/${slack.workspace.people[0]} }

channels:
  telegram: { token: { env: FAKE_TELEGRAM }, apiRoot: "${telegram.apiRoot}", chats: [${list(telegram.world.chats.keys())}] }
  discord: { token: { env: FAKE_DISCORD }, apiUrl: "${discord.apiUrl}", channels: [${list(discord.world.channels.keys())}] }
  slack: { botToken: { env: FAKE_SLACK_BOT }, appToken: { env: FAKE_SLACK_APP }, apiUrl: "${slack.apiUrl}", channels: [${list(slack.workspace.rooms.keys())}] }
${whatsAppLine}`
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  const isOurs = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]).catch(() => false)
  if (isOurs) {
    server.close()
    await once(server, 'close')
  }
  return isOurs
}
