import { nearest } from '../cli/suggest.ts'
import { isVerb, WORDS, wordSpec } from '../command/words.ts'
import { isRecord, type Path } from './document.ts'
import type { Complaint } from './explain.ts'
import { isUsableName } from './names.ts'
import { checkDiscordPeople, checkSlackPeople, checkTelegramPeople } from './people-leaves.ts'

type Written = Readonly<Record<string, unknown>>

const MAX_OPERATORS = 500
const PLATFORMS = { telegram: checkTelegramPeople, discord: checkDiscordPeople, slack: checkSlackPeople } as const

/** What concerns several keys of operators, policy and oncall; on the values as written. */
export function checkPeople(file: Written): Complaint[] {
  const operators = isRecord(file.operators) ? file.operators : {}
  return [...checkOperators(operators), ...checkPolicy(file), ...checkOncall(file, operators)]
}

function checkOperators(operators: Written): Complaint[] {
  const names = Object.keys(operators)
  const many: Complaint[] =
    names.length > MAX_OPERATORS
      ? [{ path: ['operators'], message: `has more than ${MAX_OPERATORS} people`, hint: 'remove some', on: 'key' }]
      : []
  /** Who has which account, to find those that two have. */
  const owners = new Map<string, string>()
  return [
    ...many,
    ...names.slice(0, MAX_OPERATORS).flatMap((name): Complaint[] => {
      const path: Path = ['operators', name]
      const operator = operators[name]
      const complaints: Complaint[] = []
      if (!isUsableName(name) || name === 'heald') {
        const hint = 'use up to 63 small letters, digits and dashes, the first not a dash, like alice'
        complaints.push({ path, message: 'is not a usable name for an operator', hint, on: 'key' })
      }
      if (!isRecord(operator)) return complaints
      if (!Object.hasOwn(operator, 'role')) {
        const hint = 'add what they may do, like role: operator (or viewer, or admin)'
        complaints.push({ path, message: 'has no key "role"', hint, on: 'key' })
      }
      return [...complaints, ...checkAccounts(operator, name, path, owners)]
    }),
  ]
}

/** One account is one human's: else somebody could approve what they have asked for. */
function checkAccounts(operator: Written, name: string, path: Path, owners: Map<string, string>): Complaint[] {
  return Object.entries(PLATFORMS).flatMap(([platform, read]) => {
    const accounts = Object.hasOwn(operator, platform) ? read(operator[platform]) : { value: [] }
    if (!('value' in accounts)) return []
    return accounts.value.flatMap((account): Complaint[] => {
      // With its team or without, it is the same person.
      const key = `${platform} ${account.split('/').at(-1)}`
      const owner = owners.get(key)
      owners.set(key, owner ?? name)
      if (owner === undefined || owner === name) return []
      const message = isUsableName(owner) ? `is ${owner}'s too` : 'is somebody else’s too'
      return [{ path: [...path, platform], message, hint: 'give each account to one operator', on: 'value' }]
    })
  })
}

function checkPolicy({ policy }: Written): Complaint[] {
  if (!isRecord(policy)) return []
  return Object.entries(policy).flatMap(([word, rule]): Complaint[] => {
    const path: Path = ['policy', word]
    const spec = wordSpec(word)
    const known = WORDS.filter(each => each.role !== null && each.host !== true && !isStep(each.word)).map(
      each => each.word,
    )
    if (spec === undefined) {
      const near = nearest(word, known)
      const hint = near === undefined ? `write one of ${known.join(', ')}` : `did you mean "${near}"?`
      return [{ path, message: 'is not a word of heald', hint, on: 'key', hide: true }]
    }
    if (isStep(word)) {
      const hint = 'write the policy of the words themselves: whoever may give an order may approve it'
      return [{ path, message: 'has no policy of its own', hint, on: 'key' }]
    }
    if (spec.role === null || spec.host === true) {
      const hint = spec.host === true ? 'it is for the host alone' : 'anybody may say it'
      return [{ path, message: 'has no policy', hint: `remove it: ${hint}`, on: 'key' }]
    }
    if (!isRecord(rule) || isVerb(word)) return []
    return ['approvals', 'code', 'expire']
      .filter(key => Object.hasOwn(rule, key))
      .map(key => {
        const hint = 'write only the role: it changes nothing, so nobody has to approve it'
        return { path: [...path, key], message: 'does not belong to a word that only reads', hint, on: 'key' as const }
      })
  })
}

function isStep(word: string): boolean {
  return word === 'approve' || word === 'deny'
}

function checkOncall({ oncall }: Written, operators: Written): Complaint[] {
  const names = Object.keys(operators)
  const list: readonly unknown[] = Array.isArray(oncall) ? oncall : [oncall]
  return list.slice(0, MAX_OPERATORS).flatMap((name, index): Complaint[] => {
    if (typeof name !== 'string' || name === '' || names.includes(name)) return []
    const near = nearest(name, names.filter(isUsableName))
    const hint = near === undefined ? 'write the name of somebody under "operators"' : `did you mean "${near}"?`
    const path: Path = Array.isArray(oncall) ? ['oncall', index] : ['oncall']
    return [{ path, message: 'is not an operator of this file', hint, on: 'value' }]
  })
}
