import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { groupPids, killGroup } from './cgroup.ts'
import { sendSignal } from './instance.ts'
import { readStat } from './proc.ts'

const UNKILLABLE_MS = 5000

/** Kills a whole run; whether it is gone. */
export async function killWhole(session: number, group: string | null): Promise<boolean> {
  const deadline = performance.now() + UNKILLABLE_MS
  for (let waitMs = 1; performance.now() < deadline; waitMs = Math.min(waitMs * 2, 50)) {
    const left = [...new Set([...(group === null ? [] : groupPids(group)), ...membersOf(session)])]
    if (left.length === 0) return true
    if (group === null || !killGroup(group)) for (const pid of left) sendSignal(pid, 'SIGKILL')
    await sleep(waitMs)
  }
  return false
}

/** The living of a session. */
function membersOf(session: number): number[] {
  if (session <= 1) return []
  return allPids().filter(pid => {
    const stat = readStat(pid)
    return stat?.session === session && stat.state !== 'Z' && stat.state !== 'X'
  })
}

export function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}
