import { ROLES } from '../command/word-spec.ts'
import { missingSecret } from './notice-surroundings.ts'
import type { OperatorSpec, PeopleSpec, PolicySpec } from './people-spec.ts'
import type { Missing } from './surroundings.ts'

/** Looks for the secrets of one-time codes, and whether there are people enough for what the policy asks. */
export async function findMissingOfPeople({ operators, policy }: PeopleSpec): Promise<Missing[]> {
  const missing: Missing[] = []
  for (const { id, totp } of operators) {
    const found = totp === null ? undefined : await missingSecret(totp, true)
    if (found === undefined) continue
    const hint = found.message.startsWith('there is no') ? `make it: heald totp ${id}` : found.hint
    missing.push({ path: ['operators', id, 'totp'], message: found.message, hint })
  }
  return [...missing, ...Object.entries(policy).flatMap(([word, rule]) => tooFew(word, rule, operators))]
}

/** `local:admin` counts as one of them, who needs no code. */
function tooFew(word: string, { role, approvals, code }: PolicySpec, operators: readonly OperatorSpec[]): Missing[] {
  if (approvals === 0 && !code) return []
  const able = operators.filter(each => ROLES.indexOf(each.role) >= ROLES.indexOf(role))
  const approvers = able.filter(({ totp }) => !code || totp !== null)
  const path = ['policy', word, approvals === 0 ? 'code' : 'approvals']
  if (approvals === 0 && able.length > 0 && approvers.length === 0)
    return [{ path, message: 'nobody who may has a code', hint: 'give them one: totp under operators' }]
  // Of those who may ask, the one with the most approvers left beside them.
  const most = able.some(asker => !approvers.includes(asker)) ? approvers.length : Math.max(0, approvers.length - 1)
  if (able.length === 0 || most + 1 >= approvals) return []
  const others = most === 1 ? 'one other' : `${most} others`
  const people = most === 0 ? 'only the host itself could' : `only ${others} and the host could`
  const hint = `name more people who are ${role}${code ? ' and have totp' : ''}, or ask for fewer`
  return [{ path, message: `asks for ${approvals} approvals, and ${people}`, hint }]
}
