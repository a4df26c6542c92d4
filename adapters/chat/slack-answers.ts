import type { types } from '@slack/bolt'
import type { Attachment, CodeForm, WordAnswers } from '../../bot/channel.ts'
import type { Message } from '../../bot/message.ts'
import { fieldOf, whyOf } from './slack-fault.ts'
import { type Payload, payloadOf } from './slack-payload.ts'
import type { Bolt } from './slack-words.ts'

export type Client = InstanceType<Bolt['webApi']['WebClient']>

/** Of the form for a code, and of its field. */
export const FORM = 'heald_code'
const FIELD = 'code'
/** https://docs.slack.dev/reference/views */
const MOST_TITLE = 24
const UPLOAD_MS = 8000

interface Asked {
  readonly chat: string
  readonly user: string
  /** Good for one form, for 3 s; undefined: no form can be shown. */
  readonly trigger: string | undefined
  /** Null: of what is filled into a form there is no address for answers. */
  readonly respond:
    | ((answer: Payload & { response_type: 'ephemeral'; replace_original: boolean }) => Promise<unknown>)
    | null
}

interface AnswerTools {
  readonly warn: (text: string) => void
  readonly client: () => Client | null
}

/** How a word is answered on Slack: seen by nobody else, but for files, which have no such thing. */
export function answersTo({ chat, user, trigger, respond }: Asked, { warn, client }: AnswerTools): WordAnswers {
  async function show(message: Message, isInPlace: boolean): Promise<void> {
    if (respond !== null) {
      await respond({ response_type: 'ephemeral', replace_original: isInPlace, ...payloadOf(message) })
      return
    }
    await client()?.chat.postEphemeral({ channel: chat, user, ...payloadOf(message) })
  }

  return {
    isPaced: false,
    async hide() {
      // Nobody else has seen it.
      return false
    },
    showBusy: null,
    askCode: trigger === undefined ? null : form => openForm(client(), trigger, form, chat, warn),
    async reply(message, { file, isInPlace = false } = {}) {
      try {
        const why = file === undefined ? null : await uploaded(client(), chat, file)
        const text = `The file could not be shown here: ${why}.`
        const said =
          why === null ? message : { ...message, blocks: [...message.blocks, { block: 'text' as const, text }] }
        await show(said, isInPlace)
      } catch (error) {
        warn(`an answer could not be shown on Slack: ${whyOf(error)}`)
      }
      return null
    },
  }
}

/** Null when the file stands in the channel, else why it does not. */
async function uploaded(client: Client | null, chat: string, { name, text }: Attachment): Promise<string | null> {
  const bytes = Buffer.from(text)
  try {
    if (client === null) return 'there is no token now'
    const { upload_url: url, file_id: id } = await client.files.getUploadURLExternal({
      filename: name,
      length: bytes.length,
    })
    if (url === undefined || id === undefined) return 'Slack names no place for it'
    const how = { method: 'POST', body: bytes, redirect: 'error', signal: AbortSignal.timeout(UPLOAD_MS) } as const
    const sent = await fetch(url, how)
    if (!sent.ok) return `Slack did not take it (HTTP ${sent.status})`
    await client.files.completeUploadExternal({ files: [{ id, title: name }], channel_id: chat })
    return null
  } catch (error) {
    return whyOf(error)
  }
}

/** Whether the form is shown: a trigger is good once, within 3 s. Never rejects. */
export async function openForm(
  client: Client | null,
  trigger: string,
  form: CodeForm,
  chat: string,
  warn: (text: string) => void,
): Promise<boolean> {
  try {
    await client?.views.open({ trigger_id: trigger, view: viewOf(form, chat) })
    return client !== null
  } catch (error) {
    warn(`a form could not be shown on Slack: ${whyOf(error)}`)
    return false
  }
}

function viewOf({ button, title }: CodeForm, chat: string): types.ModalView {
  const plain = (text: string): types.PlainTextElement => ({ type: 'plain_text', text, emoji: false })
  const head = title === '' ? 'One-time code' : title
  return {
    ...{ type: 'modal', callback_id: FORM, private_metadata: JSON.stringify({ button, chat }) },
    title: plain(head.length <= MOST_TITLE ? head : `${head.slice(0, MOST_TITLE - 1)}…`),
    ...{ submit: plain('Send'), close: plain('Cancel') },
    blocks: [
      {
        ...{ type: 'input', block_id: FIELD, label: plain('Six digits of your authenticator app') },
        element: { type: 'plain_text_input', action_id: FIELD, min_length: 6, max_length: 6 },
      },
    ],
  }
}

/** What was filled into the form; the rest is as it was put there. */
export function codeIn(view: { readonly private_metadata: string; readonly state: { readonly values: object } }): {
  button: string
  chat: string
  code: string
} {
  let kept: unknown = null
  try {
    kept = JSON.parse(view.private_metadata)
  } catch {
    // Then it is no form of ours, and its button is one that nobody knows.
  }
  const value = fieldOf(fieldOf(fieldOf(view.state.values, FIELD), FIELD), 'value')
  return {
    button: String(fieldOf(kept, 'button') ?? ''),
    chat: String(fieldOf(kept, 'chat') ?? ''),
    code: typeof value === 'string' ? value.trim() : '',
  }
}
