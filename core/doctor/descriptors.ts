import { readFileSync } from 'node:fs'
import type { Check } from './check.ts'

/** At most: a running service's end and log, its standby's pipes, and the watch for hints. */
const PER_SERVICE = 7
/** The ledger, the socket and its clients, checks under way, children that read the configuration. */
const OWN = 100

/** How many file descriptors heald needs for so many services. */
export function descriptorsFor(services: number): number {
  return services * PER_SERVICE + OWN
}

/**
 * How many this process may open: Node raises the soft limit to the hard one at its start, so what is left is the
 * administrator's word. Infinity without a limit or where it can't be seen.
 */
export function descriptorLimit(limits = readLimits()): number {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits) ?? []
  return /^\d+$/.test(soft ?? '') ? Number(soft) : Number.POSITIVE_INFINITY
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return ''
  }
}

/** What is wrong and what to do when `limit` is too low for so many services; null when it is enough. */
export function descriptorShortage(services: number, limit: number): { why: string; advice: string } | null {
  const needed = descriptorsFor(services)
  if (needed <= limit) return null
  const many = services === 1 ? 'one service needs' : `${services} services need`
  return {
    why: `${many} up to ${needed} file descriptors, and only ${limit} are allowed: healing and the socket can fail`,
    advice: `raise the limit: LimitNOFILE=${roundUp(needed)} in heald's unit, or "ulimit -n ${roundUp(needed)}" as root before heald up`,
  }
}

/** With room for services to come. */
function roundUp(count: number): number {
  return Math.max(1024, 2 ** Math.ceil(Math.log2(count)))
}

/** `services` is null where no configuration was found or it can't be read. */
export function checkDescriptors(services: number | null, limit = descriptorLimit()): Check {
  const check = { id: 'descriptors', title: 'descriptors' }
  const shortage = descriptorShortage(services ?? 0, limit)
  if (shortage !== null) return { ...check, state: 'warn', ...shortage }
  if (limit === Number.POSITIVE_INFINITY) return { ...check, state: 'ok', why: 'no limit' }
  const enough = Math.floor((limit - OWN) / PER_SERVICE)
  const here = services === null ? '' : `; configured here: ${services}`
  return { ...check, state: 'ok', why: `${limit} allowed, enough for ${enough} services${here}` }
}
