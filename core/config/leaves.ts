import { nearest } from '../cli/suggest.ts'
import { kindOf, type Read, readList, readText } from './read.ts'

/** Reads an http or https URL. Never shows it: a URL can hold a password or a key. */
export function checkHttp(value: unknown): Read<string> {
  const example = '"http://127.0.0.1:8080/healthz"'
  if (typeof value === 'number')
    return { problem: 'must be a URL, not a number', hint: `write "http://127.0.0.1:${value}/"` }
  const text = readText(value, example)
  if (!('value' in text)) return text
  if (!URL.canParse(text.value)) return { problem: 'is not a URL', hint: `write ${example}` }
  const url = new URL(text.value)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return {
      problem: `is not an http or https URL but ${url.protocol.slice(0, -1).slice(0, 20)}`,
      hint: `write ${example}`,
    }
  }
  if (url.username !== '' || url.password !== '') {
    return { problem: 'has a name or password in the URL', hint: 'remove them and probe a page that needs none' }
  }
  return { value: url.href }
}

/** Reads "127.0.0.1:8080", "db.local:5432" or "[::1]:8080". */
export function checkTcp(value: unknown): Read<{ host: string; port: number }> {
  const example = '"127.0.0.1:8080"'
  if (typeof value === 'number') return { problem: 'must name a host too', hint: `write "127.0.0.1:${value}"` }
  const text = readText(value, example)
  if (!('value' in text)) return text
  const [, bracketed, bare, digits = ''] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text.value) ?? []
  const host = bracketed ?? bare
  if (host === undefined) return { problem: 'is not host:port', hint: `write ${example}, or "[::1]:8080" for IPv6` }
  const port = Number(digits)
  if (port < 1 || port > 65_535)
    return { problem: `has a port out of range: ${port}`, hint: 'write a port from 1 to 65535' }
  return { value: { host, port } }
}

const STOP_SIGNALS: readonly NodeJS.Signals[] = [
  'SIGTERM',
  'SIGINT',
  'SIGQUIT',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGKILL',
]

export function checkSignal(value: unknown): Read<NodeJS.Signals> {
  const signal = STOP_SIGNALS.find(name => name === value)
  if (signal !== undefined) return { value: signal }
  const all = `write one of ${STOP_SIGNALS.join(', ')}`
  if (typeof value !== 'string') return { problem: `must be the name of a signal, not ${kindOf(value)}`, hint: all }
  const upper = value.trim().toUpperCase()
  const near = nearest(upper.startsWith('SIG') ? upper : `SIG${upper}`, STOP_SIGNALS)
  return { problem: 'is not a signal to stop with', hint: near === undefined ? all : `did you mean ${near}?` }
}

/** A user's name, or its number as text. Whether there is one is found out when the service starts. */
export function checkUser(value: unknown): Read<string> {
  if (typeof value === 'number')
    return { problem: 'must be the name of a user, not a number', hint: 'write the name, like www-data' }
  const text = readText(value, 'www-data')
  if (!('value' in text)) return text
  if (/^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?$/.test(text.value)) return text
  return {
    problem: 'is not the name of a user',
    hint: 'write a name such as www-data: letters, digits, dot, dash, underscore',
  }
}

export function checkZone(value: unknown): Read<string> {
  const text = readText(value, 'Europe/Berlin')
  if (!('value' in text)) return text
  try {
    return { value: new Intl.DateTimeFormat('en', { timeZone: text.value }).resolvedOptions().timeZone }
  } catch {
    const near = nearest(text.value, Intl.supportedValuesOf('timeZone'))
    return {
      problem: 'is not a time zone',
      hint: near === undefined ? 'write one like UTC or Europe/Berlin' : `did you mean ${near}?`,
    }
  }
}

const MAX_SECRETS = 1000
/** The ledger leaves shorter ones alone: they would blank out ordinary words. */
const MIN_SECRET_CHARS = 4

/** Secrets that must never reach the ledger, as they are written. */
export function checkRedact(value: unknown): Read<string[]> {
  const read = readList(value, 'a list of texts to keep out of the ledger', item => {
    const text = readText(item, 'the secret in quotes')
    if (!('value' in text) || text.value.trim().length >= MIN_SECRET_CHARS) return text
    const problem = `is shorter than ${MIN_SECRET_CHARS} characters and would blank out ordinary words`
    return { problem, hint: 'write the whole secret, or remove it' }
  })
  if ('value' in read && read.value.length > MAX_SECRETS) {
    return { problem: `has more than ${MAX_SECRETS} entries`, hint: 'keep those a service could print' }
  }
  return read
}
