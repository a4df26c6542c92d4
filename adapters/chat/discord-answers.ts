import type { Attachment, ChannelTools, WordAnswers } from '../../bot/channel.ts'
import { ASKS_CODE, type Asked, CODE_FIELD } from './discord-asked.ts'
import { bodyOf } from './discord-payload.ts'
import type { Call, Rest } from './discord-rest.ts'

/** Discord wants to hear of an interaction within 3 s. */
const ACKNOWLEDGE_MS = 3000
/** Of these, what is offered for half a command has to be found in so much. */
const GUESS_MS = 2000
const MOST_CHOICES = 25
const MOST_CHOICE = 100
const MOST_TITLE = 45
const AGAIN_MS = 1500
/** Seen only by the one who asked. */
const EPHEMERAL = 1 << 6
/** Unknown interaction (too late, or answered at another place); acknowledged already. */
const UNKNOWN = 10062
const ACKNOWLEDGED = 40060

export interface AnswerTools {
  readonly rest: Rest
  readonly tools: ChannelTools
  /** Channels of the configuration. */
  readonly chats: readonly string[]
}

/**
 * Acknowledges an interaction, in the way of its kind: at once, whatever comes of it. Resolves to whether its token can be
 * used for answers; never rejects.
 */
export async function acknowledge(asked: Asked, answers: AnswerTools): Promise<boolean> {
  const { rest, tools } = answers
  const route = `/interactions/${encodeURIComponent(asked.id)}/${encodeURIComponent(asked.token)}/callback` as const
  const body = asked.kind === 'guess' ? await choicesFor(asked, answers) : firstAnswer(asked)
  const got = await rest.ask({ method: 'post', route, body, isOwn: true, withinMs: ACKNOWLEDGE_MS })
  if (got.isDone || got.code === ACKNOWLEDGED) return true
  if (got.code !== UNKNOWN) tools.warn(`Discord: a command was not acknowledged: ${got.failure.why}`)
  return false
}

function firstAnswer(asked: Asked): object {
  switch (asked.kind) {
    case 'command':
    case 'form':
      return { type: 5, data: { flags: EPHEMERAL } }
    case 'codeless':
      return formOf(asked.text, asked.label)
    default:
      return { type: 6 }
  }
}

/** A form has to be the very first answer: whatever is acknowledged before can have none. */
function formOf(button: string, label: string): object {
  const title = `${label === '' ? 'Approve' : label}: your one-time code`
  const field = { type: 4, custom_id: CODE_FIELD, label: 'Six digits of your authenticator app', style: 1 }
  return {
    type: 9,
    data: {
      ...{ custom_id: `${ASKS_CODE}${button}`, title: title.slice(0, MOST_TITLE) },
      components: [{ type: 1, components: [{ ...field, min_length: 6, max_length: 6, required: true }] }],
    },
  }
}

async function choicesFor({ chat, options, focus }: Asked, { tools, chats }: AnswerTools): Promise<object> {
  const { onGuess } = tools.events
  let found: readonly string[] = []
  if (onGuess !== undefined && options !== null && focus !== null && chats.includes(chat)) {
    const { promise: late, resolve } = Promise.withResolvers<readonly string[]>()
    const timer = setTimeout(resolve, GUESS_MS, [])
    const guessed = (async () => onGuess({ chat, word: options.word, ...focus }))().catch(() => [])
    found = await Promise.race([guessed, late])
    clearTimeout(timer)
  }
  const fitting = found.filter(value => value !== '' && value.length <= MOST_CHOICE).slice(0, MOST_CHOICES)
  return { type: 8, data: { choices: fitting.map(value => ({ name: value, value })) } }
}

/** How an interaction is answered: seen by nobody else, unless it came too late for that. */
export function answersTo(
  { kind, application, token, chat }: Asked,
  acknowledged: Promise<boolean>,
  { rest, tools, chats }: AnswerTools,
): WordAnswers {
  /** The first answer takes the place of "is thinking …". */
  let isFirst = kind === 'command' || kind === 'form'
  const base = `/webhooks/${encodeURIComponent(application)}/${encodeURIComponent(token)}` as const

  return {
    // Discord shows that it "is thinking" as soon as a word is acknowledged.
    ...{ isPaced: false, askCode: null, showBusy: null },
    async hide() {
      // Others see of a slash command only what is answered, and that is for nobody else.
      return false
    },
    async reply(message, { file, isInPlace = false } = {}) {
      const body = bodyOf(message)
      const files = filesOf(file)
      let call: Call
      if (await acknowledged) {
        const isEdit = isFirst || (isInPlace && kind === 'button')
        call = isEdit
          ? { method: 'patch', route: `${base}/messages/@original`, body, isOwn: true, files }
          : { method: 'post', route: base, body: { ...body, flags: EPHEMERAL }, isOwn: true, files }
        isFirst = false
      } else {
        // It came too late for an answer of its own, as after a cut: said where it was asked, if that is one of ours.
        if (!chats.includes(chat)) return null
        call = { method: 'post', route: `/channels/${chat}/messages`, body, files }
      }
      const got = await rest.ask(call)
      if (got.isDone) return null
      const { failure } = got
      if (failure.verdict === 'retry' && !failure.isOpen) return failure.afterMs ?? AGAIN_MS
      tools.warn(`Discord: an answer was not shown: ${failure.why}`)
      return null
    },
  }
}

function filesOf(file: Attachment | undefined): NonNullable<Call['files']> {
  return file === undefined ? [] : [{ name: file.name, data: Buffer.from(file.text) }]
}
