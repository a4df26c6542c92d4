import type { OperatorSpec, PeopleSpec } from '../config/people-spec.ts'
import { receiptOf } from '../ledger/receipt.ts'
import { humanOf, isAtLeast } from './identity.ts'
import { type Command, ENDED, missingOf } from './memory.ts'
import { lineOf } from './parse.ts'
import type { CommandView, Person } from './port.ts'
import { counting } from './standing.ts'

/** A command as people and programs are told of it. */
export function viewOf(command: Command, people: PeopleSpec): CommandView {
  const counted = hasStarted(command) ? command : counting(command, people)
  return viewWith(counted, command.state === 'awaiting' ? approversOf(counted, people) : [])
}

/** The same of a command that has no approvals but those that count. */
export function viewWith(command: Command, approvers: readonly Person[]): CommandView {
  const { id, verb, args, state, by, operator, via, atMs, expiresMs, approvals, seen, changedTo } = command
  const missing = missingOf(command)
  return {
    ...{ id, verb, args, line: lineOf(verb, args), state, by, operator, via },
    ...{ requestedTs: new Date(atMs).toISOString(), expiresTs: new Date(expiresMs).toISOString() },
    needs: hasStarted(command) || (missing.approvals === 0 && !missing.code) ? null : missing,
    ...{ approvals, seen, changedTo, why: command.why, result: command.result, approvers },
    offers: command.offers,
    ...{ receipt: receiptOf(command.seq, command.h), seq: command.seq },
  }
}

function hasStarted({ state }: Command): boolean {
  return state === 'started' || ENDED.has(state)
}

/** Those who may approve it and have not. */
function approversOf(command: Command, { operators, policy }: PeopleSpec): Person[] {
  const { needs, verb, approvals } = command
  const used = [...(needs.approvals === 0 ? [] : [command]), ...approvals].map(humanOf)
  const least = policy[verb]?.role ?? 'operator'
  return operators
    .filter(({ role, totp }) => isAtLeast(role, least) && (!needs.code || totp !== null))
    .filter(({ id }) => !used.includes(id))
    .map(personOf)
}

/** An operator as people and programs are told of them: without where their secret is. */
export function personOf({ id, role, telegram, discord, slack }: OperatorSpec): Person {
  return { operator: id, role, telegram, discord, slack }
}
