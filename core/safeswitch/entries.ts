import type { Data, Json, Kind } from '../entry.ts'
import type { Cause, Ref, Step } from './journal.ts'

/**
 * Steps as entries of the ledger and back. What is read may be of another version, or damaged: an entry that does not
 * say what its step needs is no step.
 */
export function dataOf(target: string, step: Step): Data {
  const { kind: _, ...rest } = step
  const by = step.kind === 'switch.observed' ? { by: 'outside' } : {}
  return { target, ...by, ...(rest as { readonly [key: string]: Json | undefined }) }
}

export interface SomeEntry {
  readonly kind: string
  readonly data: Data
}

/** The name of the target that an entry is about; null when it is about none. */
export function targetOf({ kind, data }: SomeEntry): string | null {
  if (!/^(switch|rollback|generation|deadman|target)\./.test(kind)) return null
  return typeof data.target === 'string' && data.target !== '' ? data.target : null
}

export function stepOf({ kind, data }: SomeEntry): Step | null {
  const [from, to, next, current] = [refOf(data.from), refOf(data.to), refOf(data.next), refOf(data.current)]
  const why = typeof data.why === 'string' ? data.why : ''
  switch (kind as Kind) {
    case 'switch.observed':
      return to === null ? null : { kind: 'switch.observed', from, to, older: refsOf(data.older), why }
    case 'switch.armed':
      return to === null ? null : { kind: 'switch.armed', from, to }
    case 'switch.activating':
      return { kind: 'switch.activating' }
    case 'switch.probation':
      return { kind: 'switch.probation', why }
    case 'switch.committing':
      return { kind: 'switch.committing' }
    case 'switch.committed':
      return { kind: 'switch.committed' }
    case 'switch.failed':
      return { kind: 'switch.failed', why }
    case 'rollback.started':
      return to === null ? null : { kind: 'rollback.started', from, to, cause: causeOf(data.cause), why }
    case 'rollback.activated':
      return { kind: 'rollback.activated' }
    case 'rollback.verified':
      return { kind: 'rollback.verified' }
    case 'rollback.failed':
      if (next === null) return null
      return { kind: 'rollback.failed', next, why, verdict: data.verdict === 'unwell' ? 'unwell' : 'not activated' }
    case 'rollback.held': {
      const verdict = data.verdict === 'environment' ? 'environment' : 'no way back'
      return { kind: 'rollback.held', why, verdict, current }
    }
    default:
      return null
  }
}

export function refOf(value: Json | undefined): Ref | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const { generation, path } = value as { readonly [key: string]: Json | undefined }
  if (typeof generation !== 'string' || typeof path !== 'string' || !path.startsWith('/')) return null
  return { generation, path }
}

function refsOf(value: Json | undefined): Ref[] {
  return Array.isArray(value) ? value.slice(0, 10).flatMap((each: Json) => refOf(each) ?? []) : []
}

const CAUSES: readonly Cause[] = ['crashloop', 'probation', 'operator', 'deadman', 'recovery']

function causeOf(value: Json | undefined): Cause {
  return CAUSES.find(cause => cause === value) ?? 'recovery'
}
