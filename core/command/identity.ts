import type { PeopleSpec } from '../config/people-spec.ts'
import { actorOf } from '../entry.ts'
import type { Speaker } from './port.ts'
import { ROLES, type Role, type WordSpec } from './word-spec.ts'

/** Somebody whom heald knows. */
export interface Identity {
  /** As entries name them, with what is only claimed behind it: `telegram:1001`, `local:admin/alice`. */
  readonly by: string
  /** Id in the configuration; linked accounts are one. */
  readonly operator: string
  readonly role: Role
  /** `cli`, or the platform. */
  readonly via: string
}

/** Whoever may open heald's own socket: one operator, whoever sits there. */
export const LOCAL = 'local:admin'

/** `by` as the socket names who asks. */
export function localIdentity(by: string): Identity {
  return { by, operator: actorOf(by), role: 'admin', via: 'cli' }
}

export function isLocal({ operator }: Pick<Identity, 'operator'>): boolean {
  return operator === LOCAL
}

type Named = Pick<Identity, 'operator' | 'by'>

/** The operator, or whom the name claimed at the host stands for. */
export function humanOf({ operator, by }: Named): string {
  return isLocal({ operator }) && by.startsWith(`${LOCAL}/`) ? by.slice(LOCAL.length + 1) : operator
}

/** A claimed name can only make two into one: it never makes one into somebody else. */
export function isSameHuman(one: Named, other: Named): boolean {
  return one.operator === other.operator || humanOf(one) === humanOf(other)
}

export function actorOfSpeaker({ platform, user }: Speaker): string {
  return `${platform}:${user}`
}

/** Who that is by the configuration of now; null: nobody of it. */
export function identify({ operators }: PeopleSpec, from: Speaker): Identity | null {
  const { platform, user } = from
  // Members of one Slack workspace may be named without it.
  const names = platform === 'slack' ? [user, user.split('/').at(-1) ?? ''] : [user]
  const found = operators.find(operator => operator[platform].some(name => names.includes(name)))
  if (found === undefined) return null
  return { by: actorOfSpeaker(from), operator: found.id, role: found.role, via: platform }
}

export function isAtLeast(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least)
}

/** Why a word may not be said, in words; null: it may. Deny by default. */
export function refusalOf(
  spec: WordSpec,
  who: Identity | null,
  { policy }: PeopleSpec,
  where: { readonly isOurChat: boolean },
): string | null {
  if (spec.role === null) return null
  if (who === null) return 'nobody here is known by that account'
  if (!where.isOurChat) return "this chat is not one of heald's"
  if (spec.host === true && !isLocal(who)) return `"${spec.word}" is for the host's command line only`
  return shortfallOf(who, spec.word, policy[spec.word]?.role ?? spec.role)
}

/** Why somebody's role is too little for a word, in words; null: it is enough. */
export function shortfallOf({ operator, role }: Identity, word: string, least: Role): string | null {
  return isAtLeast(role, least) ? null : `${operator} is ${aRole(role)}, and "${word}" needs ${aRole(least)}`
}

function aRole(role: Role): string {
  return `${role === 'viewer' ? 'a' : 'an'} ${role}`
}
