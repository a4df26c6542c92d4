import { nearest } from '../cli/suggest.ts'
import { SEVERITIES, type Severity } from '../incident/fold.ts'
import type { BotSpec, EscalationStep, NoticeKind } from './notice-spec.ts'
import { kindOf, type Read, readList, readText } from './read.ts'

const KINDS: readonly NoticeKind[] = ['incident', 'switch', 'channel', 'ledger', 'silence', 'command']

/** One of these words. */
export function readWord<T extends string>(value: unknown, words: readonly T[], what: string): Read<T> {
  const word = words.find(known => known === value)
  if (word !== undefined) return { value: word }
  const all = `write ${words.length > 2 ? 'one of ' : ''}${words.join(words.length > 2 ? ', ' : ' or ')}`
  if (typeof value !== 'string') return { problem: `must be ${what}, not ${kindOf(value)}`, hint: all }
  const near = nearest(value.trim().toLowerCase(), words)
  return { problem: `is not ${what}`, hint: near === undefined ? all : `did you mean ${near}?` }
}

/** A list, or a single one, each only once. `example` is a list. */
export function readSome<T>(value: unknown, example: string, read: (value: unknown) => Read<T>): Read<T[]> {
  if (!Array.isArray(value)) {
    if (value === null || typeof value === 'object') {
      return { problem: `must be a list, not ${kindOf(value)}`, hint: `write ${example}` }
    }
    const one = read(value)
    return 'value' in one ? { value: [one.value] } : one
  }
  const list = readList(value, example, read)
  return 'value' in list ? { value: [...new Set(list.value)] } : list
}

/** As `readSome`; an empty list would fit nothing. */
function readAny<T>(value: unknown, example: string, read: (value: unknown) => Read<T>): Read<T[]> {
  if (Array.isArray(value) && value.length === 0) {
    return { problem: 'is empty, so nothing fits', hint: `write ${example}, or remove the key` }
  }
  return readSome(value, example, read)
}

export function checkSeverities(value: unknown): Read<Severity[]> {
  return readAny(value, '[warning, critical]', item => readWord(item, SEVERITIES, 'a severity'))
}

export function checkKinds(value: unknown): Read<NoticeKind[]> {
  return readAny(value, '[incident, switch]', item => readWord(item, KINDS, 'a kind of notice'))
}

/** Names of services, or the parts of names that several have in common: `web-*`. */
export function checkServices(value: unknown): Read<string[]> {
  return readAny(value, '[web, "job-*"]', item => {
    const read = readText(item, 'web')
    if (!('value' in read) || /^[a-z0-9*-]{1,63}$/.test(read.value)) return read
    return { problem: 'is not the name of a service', hint: 'write a name, or one with * for any characters: "web-*"' }
  })
}

/** Names of channels; whether there are such is for notice-relations.ts. */
export function checkTo(value: unknown): Read<string[]> {
  return readSome(value, '[telegram, slack]', item => readText(item, 'telegram'))
}

export function checkUnless(value: unknown): Read<EscalationStep['unless']> {
  return readWord(value, ['acked', 'resolved'], 'what ends an escalation')
}

export function checkBotRun(value: unknown): Read<BotSpec['run']> {
  return readWord(value, ['child', 'unit'], 'how the bot is run')
}

const SHORTHANDS = /^@(hourly|daily|weekly|monthly|yearly)$/
const CRON_FORM = 'write minute, hour, day, month and weekday, like "0 3 * * SUN"'

/** Only the number of fields; what is in them is for cron.ts. */
export function checkCron(value: unknown): Read<string> {
  const read = readText(value, '"0 3 * * SUN"')
  if (!('value' in read)) return read
  const cron = read.value.trim()
  const count = cron.split(/\s+/).length
  if (SHORTHANDS.test(cron) || count === 5) return { value: cron }
  return { problem: `has ${count === 1 ? 'one field' : `${count} fields`} instead of five`, hint: CRON_FORM }
}
