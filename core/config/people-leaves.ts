import { ROLES, type Role } from '../command/word-spec.ts'
import { checkDiscordChannel } from './channel-leaves.ts'
import { readSome, readWord } from './notice-leaves.ts'
import { kindOf, type Read, readText } from './read.ts'

export function checkRole(value: unknown): Read<Role> {
  return readWord(value, ROLES, 'a role')
}

/** A person's number, which no group has: those are negative. */
function checkTelegramPerson(value: unknown): Read<string> {
  const example = '1001'
  const find = 'they write /whoami to the bot, and it answers with the number'
  if (typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value))) {
    const id = Number(value)
    if (Number.isSafeInteger(id) && id > 0) return { value: String(id) }
    return { problem: 'is not the number of a person', hint: `write it like ${example}; ${find}` }
  }
  if (typeof value !== 'string') return { problem: `must be a number, not ${kindOf(value)}`, hint: `write ${example}` }
  const problem = value.startsWith('@') ? 'is a name, which can change hands' : 'is not the number of a person'
  return { problem, hint: `write the number, like ${example}; ${find}` }
}

function checkDiscordPerson(value: unknown): Read<string> {
  const read = checkDiscordChannel(value)
  if ('value' in read) return read
  const find = 'they write /whoami to the bot, and it answers with the number'
  const problem = read.problem.replace('of a channel', 'of a person')
  return { problem, hint: `write it like "112233445566778899"; ${find}` }
}

function checkSlackPerson(value: unknown): Read<string> {
  const example = 'U01AB2CD3'
  if (typeof value !== 'string') return { problem: `must be text, not ${kindOf(value)}`, hint: `write ${example}` }
  if (/^([TE][A-Z0-9]{2,24}\/)?[UW][A-Z0-9]{2,24}$/.test(value)) return { value }
  const problem = /^[@a-z]/.test(value) ? 'is a name, which can change hands' : 'is not the id of a person'
  return {
    problem,
    hint: `write the member ID of the profile, like ${example}, or with the team, like T01AB2CD3/U01AB2CD3`,
  }
}

export const checkTelegramPeople = (value: unknown) => readSome(value, '[1001, 1002]', checkTelegramPerson)
export const checkDiscordPeople = (value: unknown) => readSome(value, '["112233445566778899"]', checkDiscordPerson)
export const checkSlackPeople = (value: unknown) => readSome(value, '[U01AB2CD3]', checkSlackPerson)

/** Ids of operators; whether there are such is for people-relations.ts. */
export function checkOncall(value: unknown): Read<string[]> {
  return readSome(value, '[alice, bob]', item => readText(item, 'alice'))
}
