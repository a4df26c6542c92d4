import type { Draft } from './entry.ts'
import { type Folded, LEDGER } from './folded.ts'

/** Damage found at a start is an incident of the ledger's own, so that it stays in sight until somebody resolves it. */
export function tellOfDamage({ alert }: Folded, record: (draft: Draft) => void, warn: (text: string) => void): void {
  if (alert === null) return
  const cause = `the ledger is damaged: ${alert.why}`
  warn(`${cause}; see "heald ledger verify" and entry #${alert.seq}`)
  const data = { severity: 'critical', cause, services: [] }
  record({ kind: 'incident.opened', svc: LEDGER, inc: { svc: LEDGER }, opens: true, data })
}
