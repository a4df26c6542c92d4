import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { fieldOf } from './slack-fault.ts'
import { type App, type Bolt, type End, type Line, quietLogger, readJson } from './slack-words.ts'

const MOST_BODY_BYTES = 256 * 1024
/** https://docs.slack.dev/authentication/verifying-requests-from-slack; Bolt looks only at what is too old. */
const MOST_OFF_S = 300

/** Listens on loopback for Slack's signed requests, as a proxy with TLS in front of it passes them on. */
export async function openHttp(
  bolt: Bolt,
  app: App,
  { signingSecret, port }: { signingSecret: string; port: number },
): Promise<Line> {
  const receiver = new bolt.HTTPReceiver({
    signingSecret,
    logger: quietLogger(bolt),
    bodyLimit: MOST_BODY_BYTES,
    processEventErrorHandler: async () => false,
  })
  receiver.init(app)
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
    take(request, response).catch(() => refuse(response, 500))
  })
  server.maxConnections = 64

  async function take(request: IncomingMessage & { rawBody?: Buffer }, response: ServerResponse): Promise<void> {
    const { method, url, headers } = request
    if (method !== 'POST' || url !== '/slack/events') return refuse(response, 404)
    const offS = Math.abs(Number(headers['x-slack-request-timestamp']) - Date.now() / 1000)
    if (!(offS <= MOST_OFF_S)) return refuse(response, 401)
    const parts: Buffer[] = []
    let bytes = 0
    for await (const part of request) {
      // What is too long is read a while longer, or the sender would see a broken connection and no answer.
      bytes += part.length
      if (bytes > 8 * MOST_BODY_BYTES) return void request.destroy()
      if (bytes <= MOST_BODY_BYTES) parts.push(part)
    }
    if (bytes > MOST_BODY_BYTES) return refuse(response, 413)
    // Bolt takes a body that was read already. Of a payload that is no object it would throw where nobody can catch it.
    request.rawBody = Buffer.concat(parts)
    const payload = new URLSearchParams(request.rawBody.toString()).get('payload')
    const isForm = headers['content-type'] === 'application/x-www-form-urlencoded'
    if (!isForm || (payload !== null && typeof fieldOf(readJson(payload), 'type') !== 'string')) {
      return refuse(response, 400)
    }
    receiver.requestListener(request, response)
  }

  const { promise: ended, resolve: end } = Promise.withResolvers<End>()
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>()
  server.on('error', (error: NodeJS.ErrnoException) => {
    reject(error)
    end({ isPlanned: false, isFinal: false, why: `the port cannot be used: ${error.code ?? 'unknown'}` })
  })
  server.listen(port, '127.0.0.1', resolve)
  await listening.catch((error: NodeJS.ErrnoException) => {
    throw Object.assign(new Error(), { why: `port ${port} cannot be used: ${error.code ?? 'unknown'}` })
  })
  return {
    ended,
    async close() {
      const closed = new Promise<void>(done => server.close(() => done()))
      server.closeAllConnections()
      await closed
    },
  }
}

function refuse(response: ServerResponse, status: number): void {
  if (!response.headersSent) response.writeHead(status, { connection: 'close' })
  response.end()
}
