import type { Draft } from '../../../core/entry.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { exit, optionsFor } from './stand.ts'

export const WORDS = [
  'oom',
  'killed',
  'Disk',
  'FULL',
  'Jürgen',
  'exit',
  'exited',
  '磁盘',
  'a-b_c',
  '33.28',
  'naïve',
] as const

/** A closed ledger of many kinds, whose clock goes on, stands still and goes back. */
export async function mixed(dir: string, count: number): Promise<void> {
  let wallMs = Date.parse('2026-01-01T00:00:00.000Z')
  const base = optionsFor(dir)
  const ledger = await openLedger({ ...base, clock: { ...base.clock, wallMs: () => wallMs } })
  const all: Promise<unknown>[] = []
  for (let n = 0; n < count; n += 1) {
    wallMs += n % 97 === 0 ? -50_000 : (n % 7) * 300
    all.push(ledger.append(draftOf(n)))
    if (n % 50 === 0) await all.at(-1)
  }
  await Promise.all(all)
  await ledger.close(5000)
}

function draftOf(n: number): Draft {
  const svc = ['api', 'Api', 'web.1', 'channel:x'][n % 4] ?? 'api'
  const word = (at: number) => WORDS[(n * 7 + at * 3) % WORDS.length] ?? ''
  if (n % 10 === 0) {
    const data = { severity: n % 2 === 0 ? 'critical' : 'warning', cause: `${word(0)} ${word(1)}, ${word(2)}` }
    return { kind: 'incident.opened', svc, inc: { svc }, opens: true, data }
  }
  if (n % 13 === 0) return { kind: 'config.applied', actor: `local:u${n % 3}`, data: { sha256: `${word(2)}` } }
  return exit(n, { svc, data: { pid: n % 100, exit: 'code', diagnosis: `${word(0)} ${word(1)} after ${n} ms` } })
}
