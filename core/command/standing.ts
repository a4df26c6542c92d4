import type { PeopleSpec } from '../config/people-spec.ts'
import { isAtLeast, isLocal } from './identity.ts'
import type { Command } from './memory.ts'
import type { Verb } from './words.ts'

/** Whether somebody may give that order by the configuration of now. Rights may have been taken since they spoke. */
export function mayStill(operator: string, verb: Verb, { operators, policy }: PeopleSpec): boolean {
  if (isLocal({ operator })) return true
  const known = operators.find(({ id }) => id === operator)
  return known !== undefined && isAtLeast(known.role, policy[verb]?.role ?? 'operator')
}

/** The command with those approvals only that still count. */
export function counting(command: Command, people: PeopleSpec): Command {
  return { ...command, approvals: command.approvals.filter(({ operator }) => mayStill(operator, command.verb, people)) }
}
