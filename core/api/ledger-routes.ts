import { checkKeys } from './body.ts'
import type { Route } from './routes.ts'

/** The routes of the ledger's checkpoints and keys. */
export const LEDGER_ROUTES: readonly Route[] = [
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
