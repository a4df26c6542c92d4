import { Fault } from '../fault.ts'
import { checkKeys } from './body.ts'
import type { Route } from './routes.ts'

/** The routes of the ledger's checkpoints, keys and old entries. */
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
  {
    method: 'POST',
    path: '/v1/ledger/prune',
    answer: async (control, { body, by }) => {
      checkKeys(body, { claim: 'string', upTo: 'number', sha256: 'string', folder: 'string' })
      const { sha256, folder } = body
      return { json: await control.prune({ upTo: seqIn(body.upTo), archive: archiveIn(sha256, folder), by }) }
    },
  },
  {
    method: 'POST',
    path: '/v1/ledger/erase',
    answer: async (control, { body, by }) => {
      checkKeys(body, { claim: 'string', seq: 'number' })
      return { json: await control.erase(seqIn(body.seq), by) }
    },
  },
]

const MAX_PATH_CHARS = 4096

/** Both, or neither. */
function archiveIn(sha256: unknown, folder: unknown): { readonly sha256: string; readonly folder: string } | null {
  if (sha256 === undefined && folder === undefined) return null
  if (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) && typeof folder === 'string')
    if (folder.length <= MAX_PATH_CHARS) return { sha256, folder }
  throw new Fault('request.body', '"sha256" (64 hex) and "folder" belong together')
}

function seqIn(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Fault('request.body', 'the seq of an entry is needed: a whole number')
}
