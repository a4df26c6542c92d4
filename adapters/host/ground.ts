import { userInfo } from 'node:os'
import type { ServiceSpec } from '../../core/config/spec.ts'
import { type Account, findAccount } from './account.ts'
import { ensureFifos } from './fifo.ts'
import type { HostShared } from './process.ts'
import { SLOTS, slotPath } from './slot.ts'

/** What has to be there before a service can be forked: its FIFOs and its user. */
export interface Ground {
  /** Makes and looks up what is missing. Never rejects: what can't be had is the service's own trouble. */
  prepare(spec: ServiceSpec): Promise<void>
  /** Null: the daemon's own user. */
  account(): Account | null | { readonly missing: string }
  /** The user to fork as; throws, in words, when something is missing. */
  stand(): Account | null
}

export function makeGround(shared: HostShared, name: string): Ground {
  const fifos = SLOTS.flatMap(slot => (['fifo', 'go'] as const).map(file => slotPath(shared, name, slot, file)))
  let account: Account | null | { readonly missing: string } = null
  let fifoTrouble: string | null = null

  return {
    async prepare({ user }) {
      const isOwn = user === undefined || user === userInfo().username
      const [found, trouble] = await Promise.all([isOwn ? null : findAccount(user), ensureFifos(fifos)])
      account = found
      fifoTrouble = trouble
    },
    account: () => account,
    stand() {
      if (fifoTrouble !== null) throw new Error(fifoTrouble)
      if (account !== null && 'missing' in account) throw new Error(account.missing)
      return account
    },
  }
}
