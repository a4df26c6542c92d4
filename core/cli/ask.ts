import { request } from '../api/client.ts'
import type { Status } from '../api/control.ts'
import { codeOf, Fault } from '../fault.ts'
import type { Incident } from '../incident/fold.ts'
import type { Context } from './command.ts'
import { nearest } from './suggest.ts'

const ASK_TIMEOUT_MS = 10_000
/** A stop may wait for its timeout and a start for its startup time, one service after another. */
const ORDER_TIMEOUT_MS = 15 * 60_000

export async function askStatus({ socket, signal }: Context): Promise<Status> {
  return (await request(socket, 'GET', '/v1/status', undefined, { timeoutMs: ASK_TIMEOUT_MS, signal })) as Status
}

/** Newest first. */
export async function askIncidents({ socket, signal }: Context): Promise<readonly Incident[]> {
  return (await request(socket, 'GET', '/v1/incidents', undefined, { timeoutMs: ASK_TIMEOUT_MS, signal })) as Incident[]
}

/** Gives the daemon an order and waits until it is carried out. */
export async function order(context: Context, path: string, body: object = {}): Promise<unknown> {
  const { socket, signal, env } = context
  const claim = env.SUDO_USER === undefined ? {} : { claim: env.SUDO_USER }
  return request(socket, 'POST', path, { ...body, ...claim }, { timeoutMs: ORDER_TIMEOUT_MS, signal })
}

/** `order` about a named service or incident: an unknown name is answered with the one that was probably meant. */
export async function orderFor(
  context: Context,
  kind: 'services' | 'incidents',
  name: string,
  verb: string,
): Promise<unknown> {
  try {
    return await order(context, `/v1/${kind}/${encodeURIComponent(name)}/${verb}`)
  } catch (error) {
    if (!codeOf(error).endsWith('.unknown') || !(error instanceof Fault)) throw error
    const known =
      kind === 'services'
        ? (await askStatus(context)).services.map(service => service.name)
        : (await askIncidents(context)).map(incident => incident.id)
    throw withNearest(error, name, known)
  }
}

/** The same Fault with the nearest of `known` in its hint, or with all of them when they are few. */
export function withNearest(fault: Fault, name: string, known: readonly string[]): Fault {
  const near = nearest(name, known)
  const few = known.length > 0 && known.length <= 10 ? `There are: ${known.join(', ')}.` : fault.hint
  const hint = near === undefined ? few : `Did you mean "${near}"?`
  return new Fault(fault.code, fault.message, {
    ...(hint === undefined ? {} : { hint }),
    retry: fault.retry,
    cause: fault,
  })
}
