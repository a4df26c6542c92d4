import { Fault } from '../fault.ts'
import { unknownService } from '../heal/unknown-service.ts'
import { unknownIncident } from '../incident/mark.ts'
import { type Body, checkKeys } from './body.ts'
import { COMMAND_ROUTES } from './command-routes.ts'
import type { Control } from './control.ts'
import { LEDGER_ROUTES } from './ledger-routes.ts'
import { NOTICE_ROUTES } from './notice-routes.ts'
import { SWITCH_ROUTES } from './switch-routes.ts'

export type Follow = (fromSeq: number, signal: AbortSignal) => AsyncIterable<string>

/** What a route answers: one JSON document, or lines that go on until the reader leaves. */
export type Answer = { readonly json: unknown } | { readonly lines: (signal: AbortSignal) => AsyncIterable<string> }

export interface Ask {
  /** What stood in place of the `:name` of the route. */
  readonly name: string
  readonly query: URLSearchParams
  readonly body: Body
  /** Who asks: `local:admin`, with the login name behind sudo as a claim. */
  readonly by: string
}

export interface Route<Asked = Control> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly answer: (control: Asked, ask: Ask, follow: Follow) => Promise<Answer> | Answer
}

const CLAIM = { claim: 'string' } as const

/** The operator's socket. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v1/status', answer: control => ({ json: control.status() }) },
  { method: 'GET', path: '/v1/incidents', answer: control => ({ json: control.incidents() }) },
  { method: 'GET', path: '/v1/incidents/:name', answer: (control, ask) => ({ json: incidentOf(control, ask.name) }) },
  ...(['start', 'stop', 'restart'] as const).map(verb => ({
    method: 'POST' as const,
    path: `/v1/services/:name/${verb}`,
    answer: async (control: Control, { name, body, by }: Ask) => {
      checkKeys(body, CLAIM)
      if (!control.status().services.some(service => service.name === name)) throw unknownService(name)
      return { json: await control.act(verb, name, by) }
    },
  })),
  ...(['ack', 'resolve'] as const).map(verb => ({
    method: 'POST' as const,
    path: `/v1/incidents/:name/${verb}`,
    answer: async (control: Control, { name, body, by }: Ask) => {
      checkKeys(body, CLAIM)
      // Not looked up here: while the ledger's past is being read, an incident may not be known yet, and `mark` waits for it.
      return { json: await control.mark(verb, name, by) }
    },
  })),
  ...SWITCH_ROUTES,
  ...NOTICE_ROUTES,
  ...LEDGER_ROUTES,
  ...COMMAND_ROUTES,
  {
    method: 'POST',
    path: '/v1/reload',
    answer: async (control, { body }) => {
      checkKeys(body, { ...CLAIM, dryRun: 'boolean', restart: 'boolean' })
      return { json: await control.reload({ dryRun: body.dryRun === true, restart: body.restart === true }) }
    },
  },
  {
    method: 'POST',
    path: '/v1/down',
    answer: async (control, { body, by }) => {
      checkKeys(body, CLAIM)
      return { json: await control.down(by) }
    },
  },
  { method: 'GET', path: '/v1/ledger/follow', answer: (_control, ask, follow) => followFrom(ask, follow) },
]

/** Ledger lines from the seq in `?from=` on. */
export function followFrom({ query }: Ask, follow: Follow): Answer {
  const from = query.get('from') ?? '0'
  if (!/^\d{1,15}$/.test(from)) throw new Fault('request.query', '"from" has to be the number of an entry')
  return { lines: signal => follow(Number(from), signal) }
}

/** The route for a request and what stands in its place of `:name`; a Fault `request.path` or `request.method` if none. */
export function routeOf<Asked>(
  routes: readonly Route<Asked>[],
  method: string,
  pathname: string,
): { readonly route: Route<Asked>; readonly name: string } {
  const allowed: string[] = []
  for (const route of routes) {
    const name = match(route.path, pathname)
    if (name === undefined) continue
    if (route.method === method) return { route, name }
    allowed.push(route.method)
  }
  if (allowed.length > 0) {
    throw new Fault('request.method', `${method.slice(0, 20)} can't be used here`, {
      hint: `use ${allowed.join(' or ')}`,
    })
  }
  throw new Fault('request.path', 'there is nothing at this path', {
    hint: `paths begin with /v1/, for example ${routes[0]?.path}`,
  })
}

/** The decoded `:name` ('' when the route has none), or undefined when the path is another one. */
function match(pattern: string, pathname: string): string | undefined {
  const wanted = pattern.split('/')
  const given = pathname.split('/')
  if (wanted.length !== given.length) return undefined
  let name = ''
  for (const [index, part] of wanted.entries()) {
    const there = given[index] ?? ''
    if (part === ':name') name = decoded(there)
    else if (part !== there) return undefined
  }
  return wanted.includes(':name') && name === '' ? undefined : name
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (error) {
    throw new Fault('request.path', 'the path is not properly percent-encoded', { cause: error })
  }
}

function incidentOf(control: Control, id: string) {
  const incident = control.incidents().find(one => one.id === id)
  if (incident !== undefined) return incident
  throw unknownIncident(id)
}
