import { z } from 'zod'
import type { Role } from '../command/word-spec.ts'
import type { SecretSpec } from './channel-spec.ts'
import { duration, flag, integer, leaf } from './leaf.ts'
import { checkDiscordPeople, checkOncall, checkRole, checkSlackPeople, checkTelegramPeople } from './people-leaves.ts'
import { checkSecret } from './secret-leaf.ts'

/** Who may give orders, as people write it. What concerns several keys is in people-relations.ts. */

export const MOST_APPROVALS = 10
export const DEFAULT_EXPIRE_MS = 600_000

export const operatorShape = {
  role: leaf<Role>(checkRole).optional(),
  telegram: leaf<string[]>(checkTelegramPeople).optional(),
  discord: leaf<string[]>(checkDiscordPeople).optional(),
  slack: leaf<string[]>(checkSlackPeople).optional(),
  totp: leaf<SecretSpec>(checkSecret('/etc/heald/totp-alice', 'TOTP_ALICE')).optional(),
}

export const policyShape = {
  role: leaf<Role>(checkRole).optional(),
  approvals: integer(0, MOST_APPROVALS).optional(),
  code: flag.optional(),
  expire: duration(10_000, 24 * 3_600_000).optional(),
}

export const peopleShapes = {
  operators: z.record(z.string(), z.strictObject(operatorShape)).default({}),
  policy: z.record(z.string(), z.strictObject(policyShape)).default({}),
  oncall: leaf<string[]>(checkOncall).default([]),
}
