import { request } from '../api/client.ts'
import type { Status } from '../api/control.ts'
import type { SilenceStatus } from '../api/notice-control.ts'
import type { GenerationStatus } from '../api/switch-control.ts'
import { codeOf, Fault } from '../fault.ts'
import type { Incident } from '../incident/fold.ts'
import type { Context } from './command.ts'
import { nearest } from './suggest.ts'

const ASK_TIMEOUT_MS = 10_000
/** A stop may wait for its timeout and a start for its startup time, one service after another. */
const ORDER_TIMEOUT_MS = 15 * 60_000
/** A switch lasts as long as its activation and its probation may, and people set those to an hour and more. */
export const SWITCH_TIMEOUT_MS = 3 * 3_600_000

/** What asking takes of a context. */
type Asking = Pick<Context, 'socket' | 'signal'>

export async function askStatus({ socket, signal }: Asking): Promise<Status> {
  return (await request(socket, 'GET', '/v1/status', undefined, { timeoutMs: ASK_TIMEOUT_MS, signal })) as Status
}

/** Newest first. */
export async function askIncidents({ socket, signal }: Asking): Promise<readonly Incident[]> {
  return (await request(socket, 'GET', '/v1/incidents', undefined, { timeoutMs: ASK_TIMEOUT_MS, signal })) as Incident[]
}

/** Those that stand, oldest first. */
export async function askSilences({ socket, signal }: Asking): Promise<readonly SilenceStatus[]> {
  const timeoutMs = ASK_TIMEOUT_MS
  return (await request(socket, 'GET', '/v1/silences', undefined, { timeoutMs, signal })) as SilenceStatus[]
}

/** Newest first; `target` null: of all targets. An unknown target is answered with the one that was probably meant. */
export async function askGenerations(context: Context, target: string | null): Promise<readonly GenerationStatus[]> {
  const { socket, signal } = context
  const path = target === null ? '/v1/generations' : `/v1/targets/${encodeURIComponent(target)}/generations`
  const asking = request(socket, 'GET', path, undefined, { timeoutMs: ASK_TIMEOUT_MS, signal })
  return (await (target === null ? asking : naming(context, 'targets', target, asking))) as GenerationStatus[]
}

/** Asks the daemon a question. An unknown target or generation is told with those that are known. */
export async function ask({ socket, signal }: Asking, path: string): Promise<unknown> {
  return request(socket, 'GET', path, undefined, { timeoutMs: ASK_TIMEOUT_MS, signal })
}

/** Gives the daemon an order and waits until it is carried out. */
export async function order(
  context: Context,
  path: string,
  body: object = {},
  timeoutMs = ORDER_TIMEOUT_MS,
): Promise<unknown> {
  const { socket, signal, env } = context
  const claim = env.SUDO_USER === undefined ? {} : { claim: env.SUDO_USER }
  return request(socket, 'POST', path, { ...body, ...claim }, { timeoutMs, signal })
}

type Named = 'services' | 'incidents' | 'targets' | 'silences' | 'commands'

/** `order` about something with a name: an unknown name is answered with the one that was probably meant. */
export async function orderFor(
  context: Context,
  kind: Named,
  name: string,
  verb: string,
  body: object = {},
): Promise<unknown> {
  const path = `/v1/${kind}/${encodeURIComponent(name)}/${verb}`
  const timeoutMs = kind === 'targets' ? SWITCH_TIMEOUT_MS : ORDER_TIMEOUT_MS
  return naming(context, kind, name, order(context, path, body, timeoutMs))
}

async function naming(context: Context, kind: Named, name: string, asking: Promise<unknown>): Promise<unknown> {
  try {
    return await asking
  } catch (error) {
    if (!codeOf(error).endsWith('.unknown') || !(error instanceof Fault)) throw error
    const known = await namesOf(context, kind)
    // It was something else that is not known: a generation of this target, say.
    if (known.includes(name)) throw error
    throw withNearest(error, name, known)
  }
}

/** What a person can name. */
export async function namesOf(context: Asking, kind: Named): Promise<readonly string[]> {
  if (kind === 'incidents') return (await askIncidents(context)).map(incident => incident.id)
  if (kind === 'commands') return ((await ask(context, '/v1/commands')) as { id: string }[]).map(({ id }) => id)
  if (kind === 'silences') return (await askSilences(context)).map(silence => silence.id)
  return (await askStatus(context))[kind].map(({ name }) => name)
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
