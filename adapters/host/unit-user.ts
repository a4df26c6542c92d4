import { findAccount } from './account.ts'

/** The account of a unit's `User=`, looked up once for each that is told. */
export interface UnitUser {
  /** `User=`, where systemd tells it. */
  take(user: unknown): void
  /** Null: root. */
  account(): Awaited<ReturnType<typeof findAccount>> | null
}

export function unitUser(): UnitUser {
  let name = ''
  let account: ReturnType<UnitUser['account']> = null
  return {
    async take(user) {
      if (typeof user !== 'string' || user === name) return
      name = user
      account = user === '' || user === 'root' ? null : await findAccount(user)
    },
    account: () => account,
  }
}
