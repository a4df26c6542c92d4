import { Fault } from '../fault.ts'
import { type Body, checkKeys, textIn } from './body.ts'

/** A message in a chat: of a card, or the one by which a step of an incident's escalation was told. */
export interface Delivery {
  readonly channel: string
  readonly chat: string
  readonly card: string
  /** By which the platform names the message. */
  readonly reference: string
  readonly which: 'post' | 'edit'
  readonly for: 'card' | 'escalation'
  /** The incident it is about, where the card's id does not say; null: it does. */
  readonly incident: string | null
  /** The step of the escalation; null: all that were due. */
  readonly step: number | null
}

/** A signed checkpoint that was posted in a chat. */
export interface PostedCheckpoint {
  readonly channel: string
  readonly chat: string
  /** Entries that it covers. */
  readonly size: number
  /** Base64, as in the checkpoint. */
  readonly root: string
  /** By which the platform names the message. */
  readonly reference: string
}

/** What the bot tells core. */
export type Report =
  | ({ readonly what: 'checkpoint.posted' } & PostedCheckpoint)
  | { readonly what: 'channel.down'; readonly channel: string; readonly why: string; readonly isFinal: boolean }
  | { readonly what: 'channel.up'; readonly channel: string; readonly why: string }
  | ({ readonly what: 'delivered' } & Delivery)

/** The same as the bot sends it: what can be left out is. */
export type SentReport =
  | ({ readonly what: 'checkpoint.posted' } & PostedCheckpoint)
  | { readonly what: 'channel.down'; readonly channel: string; readonly why: string; readonly final: boolean }
  | { readonly what: 'channel.up'; readonly channel: string }
  | ({ readonly what: 'delivered'; readonly step?: number } & Omit<Delivery, 'incident' | 'step'>)

const LONGEST_ID = 200
const LONGEST_WHY = 300
const MOST_STEPS = 1000

/** What a body says, each part checked; a Fault `request.body` where it says something else. */
export function reportFrom(body: Body): Report {
  switch (body.what) {
    case 'channel.down':
      checkKeys(body, { what: 'string', channel: 'string', why: 'string', final: 'boolean' })
      return {
        what: 'channel.down',
        channel: textIn(body, 'channel', LONGEST_ID),
        why: textIn(body, 'why', LONGEST_WHY),
        isFinal: body.final === true,
      }
    case 'channel.up':
      checkKeys(body, { what: 'string', channel: 'string', why: 'string' })
      return {
        what: 'channel.up',
        channel: textIn(body, 'channel', LONGEST_ID),
        why: body.why === undefined ? '' : textIn(body, 'why', LONGEST_WHY),
      }
    case 'delivered':
      return deliveredFrom(body)
    case 'checkpoint.posted':
      return postedFrom(body)
    default:
      throw new Fault('request.body', '"what" has to be channel.down, channel.up, delivered or checkpoint.posted')
  }
}

function deliveredFrom(body: Body): Report {
  const texts = { channel: 'string', chat: 'string', card: 'string', reference: 'string', which: 'string' } as const
  checkKeys(body, { what: 'string', ...texts, for: 'string', incident: 'string', step: 'number' })
  const { which, step } = body
  if (which !== 'post' && which !== 'edit') throw new Fault('request.body', '"which" has to be post or edit')
  if (body.for !== 'card' && body.for !== 'escalation')
    throw new Fault('request.body', '"for" has to be card or escalation')
  if (typeof step === 'number' && !(Number.isSafeInteger(step) && step >= 0 && step < MOST_STEPS))
    throw new Fault('request.body', '"step" has to be the number of a step, from 0 on')
  return {
    what: 'delivered',
    channel: textIn(body, 'channel', LONGEST_ID),
    chat: textIn(body, 'chat', LONGEST_ID),
    card: textIn(body, 'card', LONGEST_ID),
    reference: textIn(body, 'reference', LONGEST_ID),
    which,
    for: body.for,
    incident: body.incident === undefined ? null : textIn(body, 'incident', LONGEST_ID),
    step: typeof step === 'number' ? step : null,
  }
}

function postedFrom(body: Body): Report {
  const texts = { channel: 'string', chat: 'string', root: 'string', reference: 'string' } as const
  checkKeys(body, { what: 'string', size: 'number', ...texts })
  const { size } = body
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new Fault('request.body', '"size" has to be a number of entries')
  return {
    ...{ what: 'checkpoint.posted', size },
    channel: textIn(body, 'channel', LONGEST_ID),
    chat: textIn(body, 'chat', LONGEST_ID),
    root: textIn(body, 'root', LONGEST_ID),
    reference: textIn(body, 'reference', LONGEST_ID),
  }
}
