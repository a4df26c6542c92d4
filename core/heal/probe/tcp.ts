import { connect } from 'node:net'
import { codeOf } from '../../fault.ts'
import { settle } from './settle.ts'
import { type Check, isLocalTrouble, type Verdict } from './verdict.ts'

/** Passes when the port takes a connection, which is closed again at once. */
export function checkTcp(
  check: Extract<Check, { kind: 'tcp' }>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Verdict> {
  const place = `${check.host}:${check.port}`
  return settle(
    timeoutMs,
    signal,
    () => ({ verdict: 'fail', error: `${place} did not take a connection within ${timeoutMs} ms` }),
    done => {
      const socket = connect({ host: check.host, port: check.port, autoSelectFamily: true })
      socket.once('connect', () => done('pass'))
      // Stays on after the end: an error of a socket that is being destroyed must not become an exception.
      socket.on('error', error => {
        const { verdict, why } = judgeSocketError(error)
        done(verdict, `${place} ${why}`)
      })
      return () => socket.destroy()
    },
  )
}

/** What an error of a connection says, about the service (`fail`) or about this host (`inconclusive`). */
export function judgeSocketError(error: unknown): { verdict: 'fail' | 'inconclusive'; why: string } {
  // Several addresses were tried (localhost is two). One that answers "no" counts for more than one that isn't there.
  const tried: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  const codes = tried.map(codeOf)
  const telling = codes.find(code => !isLocalTrouble(code))
  if (telling === undefined) return { verdict: 'inconclusive', why: `could not be asked (${codes[0] ?? 'unknown'})` }
  return { verdict: 'fail', why: WORDS[telling] ?? `failed (${telling})` }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'closed the connection before it had answered',
  EPIPE: 'closed the connection before it had answered',
  ETIMEDOUT: 'did not take a connection',
}
