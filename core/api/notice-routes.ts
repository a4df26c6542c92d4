import { Fault } from '../fault.ts'
import { checkKeys } from './body.ts'
import type { Route } from './routes.ts'

/** The routes of silences. What is not known or too long is told by whoever makes them. */
export const NOTICE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v1/silences', answer: control => ({ json: control.silences() }) },
  {
    method: 'POST',
    path: '/v1/services/:name/silence',
    answer: async (control, { name, body, by }) => {
      checkKeys(body, { claim: 'string', for: 'string', why: 'string' })
      if (typeof body.for !== 'string') throw new Fault('request.body', '"for" is missing: how long, like 2h')
      const why = typeof body.why === 'string' ? body.why : ''
      return { json: await control.silence({ service: name, for: body.for, why }, by) }
    },
  },
  {
    method: 'POST',
    path: '/v1/silences/:name/end',
    answer: async (control, { name, body, by }) => {
      checkKeys(body, { claim: 'string' })
      return { json: await control.unsilence(name, by) }
    },
  },
]
