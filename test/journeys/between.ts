import { once } from 'node:events'
import { createServer, type RequestListener, request } from 'node:http'
import { Transform } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

/** What is done about what passes; all of it goes on as it is where nothing is said. */
export interface Hooks {
  /** Awaited before a request is handed on. */
  readonly asked?: (path: string, body: { readonly [name: string]: string }) => unknown
  /** Awaited before its answer is handed back. */
  readonly answered?: (path: string) => unknown
  /** Changes a piece of an answer. */
  readonly change?: (text: string) => string
}

/** A socket between the bot and heald: at `path`, for `heald`. */
export async function makeBetween(t: TestContext, path: string, heald: string, hooks: Hooks): Promise<void> {
  const pass: RequestListener = async (incoming, outgoing) => {
    const { method, url = '', headers } = incoming
    const body = await text(incoming)
    await hooks.asked?.(url, body === '' ? {} : JSON.parse(body))
    const forwarded = request({ socketPath: heald, method, path: url, headers }, async answer => {
      await hooks.answered?.(url)
      const changed = new Transform({
        transform: (chunk, _, done) => done(null, hooks.change?.(String(chunk)) ?? chunk),
      })
      answer.pipe(changed).pipe(outgoing.writeHead(answer.statusCode ?? 500, answer.headers))
    })
    forwarded.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forwarded.destroy())
    forwarded.end(body)
  }
  const server = createServer(pass)
  server.listen(path)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
}

export const NEVER = new Promise<never>(() => {})
