import type { Path } from './document.ts'
import { parseDuration } from './duration.ts'
import type { Complaint } from './explain.ts'

const CHECKS: readonly string[] = ['http', 'tcp', 'exec', 'file', 'unit']

/**
 * What concerns several keys of one check, as written. `instead` says where a second way to check belongs, which is not
 * the same for services and targets.
 */
export function checkProbe(probe: Readonly<Record<string, unknown>>, path: Path, instead: string): Complaint[] {
  const complaints: Complaint[] = []
  const kinds = Object.keys(probe).filter(key => CHECKS.includes(key))
  if (kinds.length === 0) {
    const hint = 'add one of http, tcp, exec, file or unit, like tcp: "127.0.0.1:8080"'
    complaints.push({ path, message: 'does not say what to check', hint, on: 'key' })
  }
  for (const extra of kinds.slice(1)) {
    const hint = `keep one; ${instead}`
    complaints.push({ path: [...path, extra], message: `is a second check beside ${kinds[0]}`, hint, on: 'key' })
  }
  for (const [key, kind] of [
    ['status', 'http'],
    ['contains', 'http'],
    ['maxAge', 'file'],
  ] as const) {
    if (Object.hasOwn(probe, key) && kinds.length > 0 && !kinds.includes(kind)) {
      const hint = `remove it, or check with ${kind}`
      complaints.push({ path: [...path, key], message: `belongs to a check of kind ${kind}`, hint, on: 'key' })
    }
  }
  const everyMs = msOf(probe.every ?? '5s')
  const timeoutMs = msOf(probe.timeout ?? '1s')
  if (everyMs !== undefined && timeoutMs !== undefined && timeoutMs > everyMs) {
    const key = Object.hasOwn(probe, 'timeout') ? 'timeout' : 'every'
    const [message, hint] =
      key === 'timeout'
        ? ['is longer than every, so checks would overlap', 'write a timeout of at most every']
        : [
            'is shorter than the timeout of 1s, so checks would overlap',
            'add a timeout of at most every, like timeout: 500ms',
          ]
    complaints.push({ path: [...path, key], message, hint, on: 'value' })
  }
  return complaints
}

/** A written duration in ms, fractions kept; undefined when it is none. */
export function msOf(written: unknown): number | undefined {
  const read = parseDuration(written)
  return 'value' in read ? read.value : undefined
}
