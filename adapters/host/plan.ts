import type { ServiceSpec } from '../../core/config/spec.ts'
import { type Account, ownUser } from './account.ts'
import type { SlotGroups } from './cgroup.ts'
import type { HostShared } from './process.ts'
import { launchDigest, runFileTag } from './run-file.ts'
import { logPathOf, type SlotName, slotPath } from './slot.ts'
import type { StandbyPlan } from './standby.ts'

const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * What a standby of this service needs. Of the daemon's environment a service gets PATH and LANG only: the rest may
 * hold secrets.
 */
export function planStandby(
  shared: HostShared,
  spec: ServiceSpec,
  account: Account | null,
  slot: SlotName,
  groups: SlotGroups,
): StandbyPlan {
  const self = account ?? ownUser()
  return {
    groups: groups.folders,
    account,
    tag: runFileTag(shared.boot, groups, launchDigest(spec), spec.stop),
    cwd: spec.cwd,
    argv: spec.run,
    env: {
      PATH: process.env.PATH ?? USUAL_PATH,
      HOME: self.home,
      USER: self.name,
      LANG: process.env.LANG ?? 'C.UTF-8',
      ...spec.env,
    },
    logPath: logPathOf(shared, spec.name),
    fifoPath: slotPath(shared, spec.name, slot, 'fifo'),
    goPath: slotPath(shared, spec.name, slot, 'go'),
    pidPath: slotPath(shared, spec.name, slot, 'pid'),
    warn: shared.warn,
  }
}
