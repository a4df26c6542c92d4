import type { ServiceSpec } from '../../core/config/spec.ts'
import { type Account, findAccount, ownUser } from './account.ts'
import { ensureFifos } from './fifo.ts'
import type { HostShared } from './process.ts'
import { SLOTS, slotPath } from './slot.ts'

/** What has to be there before a service can be forked: its FIFOs and its user. */
export interface Ground {
  /** Makes and looks up what is missing. Never rejects: what can't be had is the service's own trouble. */
  prepare(spec: ServiceSpec): Promise<void>
  /** What is known of the service's user; null: the daemon's own. */
  account(spec: ServiceSpec): Account | null | { readonly missing: string }
  /** The user to fork as; throws, in words, when something is missing. */
  stand(spec: ServiceSpec): Account | null
}

interface Found {
  readonly user: string | undefined
  readonly account: Account | null | { readonly missing: string }
}

export function makeGround(shared: HostShared, name: string): Ground {
  const fifos = SLOTS.flatMap(slot => (['fifo', 'go'] as const).map(file => slotPath(shared, name, slot, file)))
  /** Kept with the user it was looked up for, so that nobody ever runs as somebody else. */
  let found: Found = { user: undefined, account: null }
  let fifoTrouble: string | null = null

  function account({ user }: ServiceSpec): Account | null | { readonly missing: string } {
    return found.user === user ? found.account : { missing: `the user ${user} has not been looked up yet` }
  }
  return {
    async prepare({ user }) {
      const isOwn = user === undefined || user === ownUser().name
      const [answer, trouble] = await Promise.all([isOwn ? null : findAccount(user), ensureFifos(fifos)])
      found = { user, account: answer }
      fifoTrouble = trouble
    },
    account,
    stand(spec) {
      if (fifoTrouble !== null) throw new Error(fifoTrouble)
      const as = account(spec)
      if (as !== null && 'missing' in as) throw new Error(as.missing)
      return as
    },
  }
}
