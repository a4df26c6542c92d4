import { because, by, type Fields, list, text } from './phrase.ts'

/** One sentence for each kind that silences, escalations and channels write. */
export const NOTICE_WORDS: { readonly [kind: string]: (data: Fields) => string } = {
  'silence.created': data =>
    `notices of ${matchInWords(data.match)} are silent${until(data.untilTs)}${by(data.by)}${because(data.why)}`,
  'silence.ended': data => `notices of ${matchInWords(data.match)} make a sound again${ended(data)}`,
  'escalation.due': escalation,
  'channel.down': data =>
    `the channel ${text(data.channel)} is down${data.final === true ? ' until somebody changes something' : ''}${because(data.why)}`,
  'channel.up': data => `the channel ${text(data.channel)} is up${because(data.why)}`,
  'channel.delivered': data =>
    `${data.which === 'edit' ? 'a message was brought up to date' : 'a message was posted'} on ${text(data.channel)}: ${text(data.card)}`,
}

/** What a silence is about: `everything`, `agent*`, `critical notices of agent`. */
export function matchInWords(match: unknown): string {
  const { services, severity, kinds } = (typeof match === 'object' && match !== null ? match : {}) as Fields
  const parts = [list(severity), list(kinds)].filter(part => part !== '')
  const names = list(services)
  if (parts.length === 0) return names === '' ? 'everything' : names
  return `${names === '' ? 'everything' : names} (${parts.join('; ')})`
}

function until(ts: unknown): string {
  return typeof ts === 'string' && ts !== '' ? ` until ${ts}` : ''
}

function ended({ how, by: who, why }: Fields): string {
  if (how === 'expired') return ': the time is over'
  if (how === 'not configured') return ': the maintenance is no longer configured'
  return `${by(who)}${because(why)}`
}

function escalation(data: Fields): string {
  const step = typeof data.step === 'number' ? `step ${data.step + 1}` : 'a step'
  if (data.fallback !== true) {
    const to = list(data.to)
    return `escalated, ${step}${to === '' ? '' : `: to ${to}`}`
  }
  const what = 'nobody confirmed the escalation, so the fallback program was run'
  if (data.result === 'ok') return `${what} (${step})`
  return `${what} (${step}), and it failed${because(data.why)}`
}
