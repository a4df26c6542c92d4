import { resolve } from 'node:path'
import { WORDS } from '../command/words.ts'
import { DEFAULT_EXPIRE_MS } from './people-schema.ts'
import type { OperatorSpec, PeopleSpec, PolicySpec } from './people-spec.ts'
import type { WrittenFile } from './schema.ts'

type Written = Pick<WrittenFile, 'operators' | 'policy' | 'oncall'>

/** people-relations.ts has seen to it that each operator has a role, and each policy is of a word. */
export function resolvePeople({ operators, policy, oncall }: Written, folder: string): PeopleSpec {
  const people = Object.entries(operators).map(
    ([id, { role = 'viewer', telegram, discord, slack, totp }]): OperatorSpec => {
      const secret = totp === undefined ? null : 'file' in totp ? { file: resolve(folder, totp.file) } : totp
      return { id, role, telegram: telegram ?? [], discord: discord ?? [], slack: slack ?? [], totp: secret }
    },
  )
  const hasCodes = people.some(({ totp }) => totp !== null)
  const rules = WORDS.flatMap((spec): [string, PolicySpec][] => {
    const { role, approvals = 0, code, expire } = policy[spec.word] ?? {}
    if (spec.role === null) return []
    const rule = { approvals, code: code ?? (spec.code && hasCodes), expireMs: expire ?? DEFAULT_EXPIRE_MS }
    return [[spec.word, { role: role ?? spec.role, ...rule }]]
  })
  return { operators: people, policy: Object.fromEntries(rules), oncall }
}
