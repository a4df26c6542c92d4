import type { Draft, Entry } from './entry.ts'
import { type Folded, LEDGER } from './folded.ts'
import { findIncident } from './incident/fold.ts'

/**
 * Damage of the ledger that was found at a start is an incident of the ledger's own, about no service, so that it stays in
 * sight until somebody resolves it. Until somebody has acknowledged it, nothing is rolled back on its own: what was good,
 * and what was tried already, is read from that very ledger.
 */
export function tellOfDamage(
  { alert }: Pick<Folded, 'alert'>,
  record: (draft: Draft) => void,
  warn: (text: string) => void,
): void {
  if (alert === null) return
  const cause = `the ledger is damaged: ${alert.why}`
  warn(`${cause}; see "heald ledger verify" and entry #${alert.seq}`)
  const data = { severity: 'critical', cause, services: [] }
  record({ kind: 'incident.opened', svc: LEDGER, inc: { svc: LEDGER }, opens: true, data })
}

/** Tells of damage once the past is known, and of what is found later at once. */
export function damageTeller(
  folded: Pick<Folded, 'alert'>,
  record: (draft: Draft) => void,
  warn: (text: string) => void,
): { pastIsKnown(): void; follow(entries: readonly Entry[]): void } {
  let isKnown = false
  return {
    pastIsKnown() {
      isKnown = true
      tellOfDamage(folded, record, warn)
    },
    follow(entries) {
      if (isKnown && entries.some(({ kind }) => kind === 'integrity.alert')) tellOfDamage(folded, record, warn)
    },
  }
}

export function isDamageUnseen({ alert, damage, incidents }: Pick<Folded, 'alert' | 'damage' | 'incidents'>): boolean {
  return alert !== null || (damage !== null && findIncident(incidents, damage)?.state === 'open')
}
