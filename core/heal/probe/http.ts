import type { ClientRequest, IncomingMessage } from 'node:http'
import { codeOf } from '../../fault.ts'
import { Agent, request } from '../../http.ts'
import { type Settle, settle } from './settle.ts'
import { judgeSocketError } from './tcp.ts'
import type { Check, Verdict } from './verdict.ts'

type HttpCheck = Extract<Check, { kind: 'http' }>

/** No more of an answer is read, or searched for `contains`. */
const BODY_LIMIT_BYTES = 64 * 1024

/** A connection for each check, closed after it: a service that no longer takes connections is not healthy. */
const agent = new Agent({ keepAlive: false })

/**
 * Passes when the service answers with the wanted status (200–399 unless one is named; redirects are not followed) and,
 * where `contains` is given, that text is in the first 64 KiB. Headers and body must arrive within `timeoutMs`.
 */
export async function checkHttp(check: HttpCheck, timeoutMs: number, signal: AbortSignal): Promise<Verdict> {
  const url = new URL(check.url)
  const ask = url.protocol === 'https:' ? (await import('node:https')).request : request
  let stage = 'did not take a connection'
  return settle(
    timeoutMs,
    signal,
    () => ({ verdict: 'fail', error: `${url.host} ${stage} within ${timeoutMs} ms` }),
    done => {
      const options = { headers: { 'user-agent': 'heald', connection: 'close' } }
      const asked: ClientRequest = ask(
        url,
        url.protocol === 'https:' ? { ...options, agent: false } : { ...options, agent },
      )
      asked.once('socket', socket => {
        socket.once('connect', () => {
          stage = 'took the connection but did not answer'
        })
      })
      // Stays on after the end: an error of a request that is being destroyed must not become an exception.
      asked.on('error', error => {
        if (codeOf(error).startsWith('HPE_')) return done('fail', `${url.host} sent something that is not HTTP`)
        const { verdict, why } = judgeSocketError(error)
        done(verdict, `${url.host} ${why}`)
      })
      asked.once('response', answer => {
        stage = 'began its answer but did not finish it'
        judgeAnswer(check, url.host, answer, done)
      })
      asked.end()
      return () => asked.destroy()
    },
  )
}

function judgeAnswer(check: HttpCheck, host: string, answer: IncomingMessage, done: Settle): void {
  const status = answer.statusCode ?? 0
  const isWanted = check.status === undefined ? status >= 200 && status <= 399 : status === check.status
  if (!isWanted) {
    const wanted = check.status === undefined ? '' : `, not ${check.status}`
    done('fail', `${host} answered with status ${status}${wanted}`)
    return
  }
  const chunks: Buffer[] = []
  let bytes = 0
  const finish = (): void => {
    const body = Buffer.concat(chunks).subarray(0, BODY_LIMIT_BYTES)
    if (check.contains === undefined || body.includes(check.contains)) done('pass')
    else done('fail', `${host} answered with status ${status}, but without ${JSON.stringify(check.contains)}`)
  }
  answer.on('data', (chunk: Buffer) => {
    if (check.contains !== undefined) chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= BODY_LIMIT_BYTES) finish()
  })
  answer.once('end', finish)
  answer.on('error', () => done('fail', `${host} broke its answer off`))
}
