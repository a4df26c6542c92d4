import type { QuietHours } from './channel-spec.ts'
import { checkHttp } from './leaves.ts'
import { MAX_CHATS } from './notices.ts'
import { kindOf, type Read, readList, readText } from './read.ts'

type Reader = (value: unknown) => Read<string>

/** A list of chats, or a single one; each once. */
export function checkChats(
  read: Reader,
  what: 'chat' | 'channel',
  example: string,
): (value: unknown) => Read<string[]> {
  return value => {
    const isList = Array.isArray(value)
    if (isList && value.length > MAX_CHATS) {
      return { problem: `has more than ${MAX_CHATS} entries`, hint: 'keep those that people read' }
    }
    const chats = isList
      ? readList(value, `a list, like ${example}`, read)
      : value === null || typeof value === 'object'
        ? { problem: `must be a list, not ${kindOf(value)}`, hint: `write ${example}` }
        : readList([value], '', read)
    if (!('value' in chats)) return isList ? chats : { problem: chats.problem, hint: chats.hint }
    if (chats.value.length === 0) return { problem: `names no ${what}`, hint: `write at least one, like ${example}` }
    const again = chats.value.findIndex((chat, index) => chats.value.indexOf(chat) < index)
    if (again < 0) return chats
    return { problem: 'is there twice', hint: 'keep one of the two', at: [again] }
  }
}

/** Telegram's are numbers, negative for groups; well within what a number of JavaScript holds. */
export function checkTelegramChat(value: unknown): Read<string> {
  const find = 'add the bot to the chat, write something there, and read "chat":{"id":…} in the answer of getUpdates'
  if (typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value))) {
    const id = Number(value)
    if (Number.isSafeInteger(id) && id !== 0) return { value: String(id) }
    return { problem: 'is not the number of a chat', hint: `write its number, like -1001234567890; ${find}` }
  }
  if (typeof value !== 'string') {
    return { problem: `must be a number, not ${kindOf(value)}`, hint: `write the chat's number, like -1001234567890` }
  }
  const problem = value.startsWith('@') ? 'is a name, and bots need the number' : 'is not the number of a chat'
  return { problem, hint: `write it like -1001234567890; ${find}` }
}

const MOST_SNOWFLAKE = 2n ** 64n - 1n

export function checkDiscordChannel(value: unknown): Read<string> {
  const example = '"112233445566778899"'
  const find = 'with the developer mode (Settings, Advanced) on, right-click the channel and choose Copy Channel ID'
  if (typeof value === 'number') {
    const problem = 'must be in quotes: YAML loses digits of numbers as large as these'
    return { problem, hint: `write it like ${example}` }
  }
  if (typeof value !== 'string') return { problem: `must be text, not ${kindOf(value)}`, hint: `write ${example}` }
  if (/^[1-9]\d{0,19}$/.test(value) && BigInt(value) <= MOST_SNOWFLAKE) return { value }
  const problem = value.startsWith('#') ? 'is a name, and bots need the number' : 'is not the number of a channel'
  return { problem, hint: `write it like ${example}; ${find}` }
}

export function checkSlackChannel(value: unknown): Read<string> {
  const example = 'C012AB3CD'
  if (typeof value !== 'string') return { problem: `must be text, not ${kindOf(value)}`, hint: `write ${example}` }
  if (/^[CGD][A-Z0-9]{2,24}$/.test(value)) return { value }
  if (/^[UW][A-Z0-9]{2,24}$/.test(value)) {
    return { problem: 'is a person', hint: 'write the id of the direct message with them, which begins with D' }
  }
  const problem = value.startsWith('#') ? 'is a name, and bots need the id' : 'is not the id of a channel'
  return { problem, hint: `write it like ${example}; it is at the bottom of the channel's details` }
}

export function checkWhatsAppChat(value: unknown): Read<string> {
  const example = '"4915112345678@c.us"'
  const form = `write a person like ${example}, a group like "120363012345678901@g.us"`
  if (typeof value === 'number') return { problem: 'must end in @c.us or @g.us', hint: form }
  if (typeof value !== 'string') return { problem: `must be text, not ${kindOf(value)}`, hint: form }
  if (/^[1-9]\d{4,19}@c\.us$/.test(value) || /^\d{5,20}(-\d{5,20})?@g\.us$/.test(value)) return { value }
  if (/@(c|g)\.us$/.test(value)) {
    return { problem: 'is not the id of a chat', hint: `${form}; the number with its country, without + and 0` }
  }
  return { problem: 'does not end in @c.us or @g.us', hint: form }
}

/** The address of a platform, without a slash at its end. Never shows it: a URL can hold a key. */
export function checkEndpoint(example: string): (value: unknown) => Read<string> {
  return value => {
    if (typeof value === 'number') return { problem: 'must be a URL, not a number', hint: `write "${example}"` }
    const read = checkHttp(value)
    if (!('value' in read)) {
      const isLogin = read.problem.includes('password')
      return { problem: read.problem, hint: isLogin ? 'remove them' : `write "${example}", or remove the key` }
    }
    const url = new URL(read.value)
    if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
      const hint = 'write https; plain http is for this host alone, like http://127.0.0.1:8081'
      return { problem: 'would send the token over the network for everybody to read', hint }
    }
    if (url.search !== '' || url.hash !== '') {
      return { problem: 'has a ? or a # in it', hint: `write only the address, like "${example}"` }
    }
    return { value: url.href.replace(/\/+$/, '') }
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/

/** A time of day, `08:00`. */
export function checkClock(value: unknown): Read<string> {
  const read = readText(value, '"08:00"')
  if (!('value' in read)) return read
  const time = clockOf(read.value)
  if (time !== undefined) return { value: time }
  return { problem: 'is not a time of day', hint: 'write hours and minutes, like "08:00" or "21:30"' }
}

export function checkQuietHours(value: unknown): Read<QuietHours> {
  const form = 'write them like "22:00-07:00"'
  const read = readText(value, '"22:00-07:00"')
  if (!('value' in read)) return read
  const [from, to, ...rest] = read.value.split(/[-–]/).map(clockOf)
  if (from === undefined || to === undefined || rest.length > 0) {
    return { problem: 'are not two times of day with a dash between', hint: form }
  }
  if (from === to) return { problem: 'end where they begin', hint: `${form}, or remove the key` }
  return { value: { from, to } }
}

function clockOf(text: string): string | undefined {
  const [, hours, minutes] = CLOCK.exec(text.trim()) ?? []
  return hours === undefined ? undefined : `${hours.padStart(2, '0')}:${minutes}`
}

/** The browser is started by its path; a bare name would be looked for nowhere. */
export function checkBrowser(value: unknown): Read<string> {
  const read = readText(value, '/usr/bin/chromium')
  if (!('value' in read) || read.value.includes('/')) return read
  return { problem: 'is not a path', hint: 'write the path of a Chromium, like /usr/bin/chromium, or remove the key' }
}

export function checkBrowserArgs(value: unknown): Read<string[]> {
  return readList(value, 'a list of arguments, like [--disable-gpu]', item => readText(item, '--disable-gpu'))
}
