import { statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Account } from './account.ts'
import { groupsOf } from './activation-groups.ts'
import { allPids, killWhole } from './activation-kill.ts'
import { endUnits, readOr } from './activation-unit.ts'
import { groupPids } from './cgroup.ts'
import { readStat } from './proc.ts'
import { TargetFault } from './target-fault.ts'

/** What a dead-man is called by in its arguments. */
export const DEAD_MAN_NAME = 'heald-deadman'

/** Ends what an earlier daemon's activation of the target at `path` still has running: step 1, before a pointer moves. */
export async function endActivation(path: string, account: Account | null): Promise<void> {
  await endUnits(path)
  await killEarlier(markOf(path), groupsOf(path), account?.uid ?? process.geteuid?.() ?? 0)
}

/** The argument by which a run of the target at `path` is told from all others. */
export function markOf(path: string): string {
  return `HEALD_ACTIVATION=${path}`
}

/** Kills a run that is still going on, told by the arguments of the process that leads its session. */
async function killEarlier(mark: string, groups: string | null, uid: number): Promise<void> {
  for (const pid of allPids()) {
    const args = readOr(`/proc/${pid}/cmdline`).split('\0')
    // Whoever writes such arguments himself gets his own session killed, and no other user's.
    if (!isRun(args, mark) || readStat(pid)?.session !== pid) continue
    const owner = ownerOf(pid)
    // Until it has become the target's user it is our own.
    if (owner !== uid && owner !== process.geteuid?.()) continue
    const name = basename(/^0::(.*)$/m.exec(readOr(`/proc/${pid}/cgroup`))?.[1] ?? '')
    const group = groups !== null && groupPids(join(groups, name)).includes(pid) ? join(groups, name) : null
    if (!(await killWhole(pid, group))) {
      throw new TargetFault('target.unkillable', `an earlier activation (process ${pid}) can not be killed`, {
        ...{ retry: 'now', hint: `See what it waits for: cat /proc/${pid}/stack` },
      })
    }
  }
}

/** It is the `timeout` of a run, or will be: until then the command stands further back. A dead-man is given it as well. */
function isRun(args: readonly string[], mark: string): boolean {
  const at = args.indexOf(mark)
  return args[at - 5] === 'timeout' && args[at - 1] === 'env' && !args.includes(DEAD_MAN_NAME)
}

function ownerOf(pid: number): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid
}
