import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { TargetSpec } from '../../core/config/spec.ts'
import type { OpenTarget } from '../../core/safeswitch/managed.ts'
import { type Account, findAccount } from './account.ts'
import { sweepGroups } from './activation-groups.ts'
import { makeDeadMan } from './dead-man.ts'
import type { KeptTarget } from './kept-target.ts'
import { TargetFault } from './target-fault.ts'

type Env = Readonly<Record<string, string>>

/**
 * Opens a target of the configuration, whichever kind it is. `state`: heald's own folder; `env`: for Nix and what it
 * activates, beside the daemon's own NIX_…. `place` names what is switched, for good: another target of the same name later
 * must not find this one's dead-man.
 */
export async function openTarget(state: string, spec: TargetSpec, place: string, env: Env = {}): Promise<OpenTarget> {
  const dir = join(state, 'switch', `${spec.name}-${createHash('sha256').update(place).digest('hex').slice(0, 8)}`)
  const account = await accountOf(spec)
  const target = await targetOf(spec, dir, account, env)
  const deadMan = makeDeadMan({ target: spec, dir, account, ...(spec.kind === 'releases' ? {} : { env }) })
  // What is left of a kill holds nobody up.
  await deadMan.sweep().catch(() => {})
  sweepGroups(spec.path)
  return {
    target,
    deadMan,
    account: async () => account,
    async changes(from, to) {
      const { closureChanges, releaseChanges } = await import('./changes.ts')
      return (spec.kind === 'releases' ? releaseChanges(account) : closureChanges({ env }))(from, to)
    },
    async prepare(good) {
      // What fails now is said when it is needed.
      await Promise.allSettled([deadMan.prepare(), target.prepare?.(good.slice(0, spec.keepGood))])
    },
    async forget() {
      sweepGroups(spec.path)
      await target.forget?.()
    },
  }
}

async function accountOf({ user }: TargetSpec): Promise<Account | null> {
  if (user === undefined) return null
  const account = await findAccount(user)
  if ('missing' in account)
    throw new TargetFault('target.user', account.missing, { hint: 'add the user; heald looks for it again' })
  return account
}

async function targetOf(spec: TargetSpec, stateDir: string, owner: Account | null, env: Env): Promise<KeptTarget> {
  const { name, path, activate } = spec
  switch (spec.kind) {
    case 'releases': {
      const { releasesTarget } = await import('./releases.ts')
      return releasesTarget({ name, path, owner, ...(activate.length > 0 ? { activate } : {}) })
    }
    case 'nix-profile': {
      const { nixProfile } = await import('./nix-profile.ts')
      return nixProfile({ name, profile: path, activate, stateDir, env })
    }
    case 'nixos': {
      const { nixos } = await import('./nixos.ts')
      return nixos({ name, profile: path, running: spec.running, stateDir, env })
    }
  }
}
