import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { asOwnerOf } from '../owner.ts'
import { askRoot, howToStart } from '../start-hint.ts'
import { faultFromJson } from './fault-json.ts'
import { checkSocketPath } from './socket.ts'

const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_LINE_CHARS = 1024 * 1024

/**
 * Asks the daemon and answers with the parsed JSON.
 * Faults: `daemon.unreachable`, `daemon.timeout`, `daemon.answer` (not understood), `interrupted`, or whatever the daemon sent.
 * @param method `GET` or `POST`; a `body` goes as JSON
 */
export async function request(
  socket: string,
  method: 'GET' | 'POST',
  path: string,
  body: object | undefined,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<unknown> {
  const deadline = AbortSignal.timeout(timeoutMs)
  try {
    const response = await open(
      socket,
      method,
      path,
      body,
      signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    )
    return parsed(response.statusCode ?? 0, await textOf(response))
  } catch (error) {
    if (error instanceof Fault) throw error
    if (signal?.aborted)
      throw new Fault('interrupted', 'interrupted; what you asked for may still happen', { cause: error })
    if (deadline.aborted) throw timedOut(timeoutMs)
    throw unreachable(socket, error)
  }
}

/** Lines of an NDJSON stream, without their ends, until the daemon or `signal` ends it. Faults as `request`. */
export async function* stream(socket: string, path: string, signal: AbortSignal): AsyncGenerator<string, void, void> {
  try {
    const response = await open(socket, 'GET', path, undefined, signal)
    if (response.statusCode !== 200) parsed(response.statusCode ?? 0, await textOf(response))
    response.setEncoding('utf8')
    let rest = ''
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LINE_CHARS) throw new Fault('daemon.answer', 'the daemon sent a line without end')
      yield* lines
    }
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof Fault) throw error
    throw unreachable(socket, error)
  }
}

function open(
  socketPath: string,
  method: string,
  path: string,
  body: object | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  checkSocketPath(socketPath)
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const asking: ClientRequest = httpRequest({ socketPath, method, path, headers, signal, agent: false })
    asking.once('response', resolve)
    asking.once('error', reject)
    asking.end(text)
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES)
      throw new Fault('daemon.answer', `the daemon's answer is longer than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(status: number, text: string): unknown {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new Fault('daemon.answer', `the daemon answered with something that is not JSON (status ${status})`, {
      hint: 'is it another version of heald? Restart the daemon with this one',
      cause: error,
    })
  }
  if (status >= 200 && status < 300) return json
  throw faultFromJson(json) ?? new Fault('daemon.answer', `the daemon answered with status ${status}`)
}

function unreachable(socket: string, error: unknown): Fault {
  if (codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM') {
    return new Fault('daemon.unreachable', `you may not talk to the daemon: no permission for ${socket}`, {
      hint: `ask as the user it runs as: ${asOwnerOf(socket)}`,
      cause: error,
    })
  }
  const gone = codeOf(error) === 'ENOENT' || codeOf(error) === 'ECONNREFUSED'
  const why = gone ? `nothing listens on ${socket}` : `the connection to ${socket} broke: ${messageOf(error)}`
  return new Fault('daemon.unreachable', `the daemon can't be reached: ${why}`, {
    hint: `${askRoot(socket) ?? `start it with "${howToStart(socket)}"`}; if it runs with another state folder, say which one: --state DIR`,
    retry: gone ? 'no' : 1000,
    cause: error,
  })
}

function timedOut(timeoutMs: number): Fault {
  return new Fault('daemon.timeout', `the daemon did not answer within ${timeoutMs / 1000} s`, {
    hint: 'it may be very busy or stopped: look at its process; what you asked for may still happen',
    retry: 'now',
  })
}
