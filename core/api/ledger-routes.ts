import { checkKeys } from './body.ts'
import { queryFrom } from './ledger-query.ts'
import type { Route } from './routes.ts'

/** The routes of the ledger's entries, checkpoints and keys. */
export const LEDGER_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/ledger/list',
    answer: async (control, { query }) => ({ json: await control.findLines(queryFrom(query)) }),
  },
  {
    method: 'POST',
    path: '/v1/ledger/checkpoint',
    answer: async (control, { body }) => {
      checkKeys(body, { claim: 'string' })
      return { json: await control.checkpoint() }
    },
  },
  {
    method: 'POST',
    path: '/v1/ledger/keygen',
    answer: async (control, { body, by }) => {
      checkKeys(body, { claim: 'string' })
      return { json: await control.rotateKey(by) }
    },
  },
]
