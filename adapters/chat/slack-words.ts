import type { Word } from '../../bot/channel.ts'
import { answersTo, type Client, codeIn, FORM, openForm } from './slack-answers.ts'
import { fieldOf } from './slack-fault.ts'
import { ASKS_CODE } from './slack-payload.ts'

// Life of a word
// 1. Slack sends an envelope over a socket, or a signed request. Bolt checks, reads and routes it.
// 2. It is handed over in the same turn, and acknowledged when it is handled: durable, or answered. Only slash commands,
//    buttons and forms are taken: Bolt acknowledges events before anybody has seen them.
// 3. Until Slack has the acknowledgement it sends the same again, on any connection, after 3 s: the key is the same.

export const loadBolt = () => import('@slack/bolt')

export type Bolt = Awaited<ReturnType<typeof loadBolt>>
export type App = InstanceType<Bolt['App']>
export type WebOptions = NonNullable<ConstructorParameters<Bolt['webApi']['WebClient']>[1]>
type Logger = NonNullable<WebOptions['logger']>

/** One connection that words come in by. */
export interface Line {
  /** Resolves when nothing comes in any more, or soon won't. */
  readonly ended: Promise<End>
  /** Within about a second; may be called twice, never rejects. */
  close(): Promise<void>
}

export interface End {
  /** Slack wants a new connection in the place of this one: no trouble. */
  readonly isPlanned: boolean
  readonly isFinal: boolean
  readonly why: string
}

/** What takes longer is acknowledged all the same: Slack waits 3 s, its way and ours within. */
const HANDLED_MS = 2000

/** Bolt logs addresses with tickets and whole payloads; what matters is told by `onState`. */
export function quietLogger(bolt: Bolt): Logger {
  const quiet = () => {}
  const getLevel = () => bolt.LogLevel.ERROR
  return { debug: quiet, info: quiet, warn: quiet, error: quiet, setLevel: quiet, setName: quiet, getLevel }
}

export interface AppTools {
  readonly warn: (text: string) => void
  /** Must not throw or reject. */
  readonly onWord: (word: Word) => Promise<void>
  /** What comes in is left for the next process: Slack sends it again. */
  readonly isDeaf: () => boolean
  /** With the bot's token; null while there is none. */
  readonly client: () => Client | null
}

/** Routes what the lines bring to `onWord`. */
export function openApp(bolt: Bolt, web: WebOptions, tools: AppTools): App {
  const { warn, client } = tools
  const app = new bolt.App({
    receiver: { init() {}, start: async () => {}, stop: async () => {} },
    authorize: async () => ({}),
    clientOptions: web,
    logger: quietLogger(bolt),
    convoStore: false,
    ignoreSelf: false,
  })
  app.error(async () => warn('an order from Slack could not be read'))
  app.command(/^\//, async ({ ack, body, context, respond }) => {
    const { api_app_id: application, team_id: team, user_id: id, user_name: name, channel_id: chat, text } = body
    const trigger = body.trigger_id ?? context.envelopeId
    const said = { application, team, id, name, chat, button: null, code: null, text: textOf(text) }
    await handle(ack, said, trigger, answersTo({ chat, user: id, trigger: body.trigger_id, respond }, tools))
  })
  app.action({ type: 'block_actions' }, async ({ ack, body, action, context, respond }) => {
    if (body.type !== 'block_actions' || action.type !== 'button') return void ack().catch(() => {})
    const { id, team_id, name = id } = body.user
    const chat = body.channel?.id ?? String(fieldOf(body.container, 'channel_id') ?? '')
    const button = action.value ?? action.action_id
    const trigger = body.trigger_id
    if (action.action_id.startsWith(ASKS_CODE) && typeof trigger === 'string') {
      ack().catch(() => {})
      const title = 'text' in action ? action.text.text : ''
      if (await openForm(client(), trigger, { button, title }, chat, warn)) return
    }
    const team = body.team?.id ?? team_id ?? ''
    const said = { application: body.api_app_id, team, id, name, chat, button, code: null, text: '' }
    await handle(
      ack,
      said,
      trigger ?? context.envelopeId,
      answersTo({ chat, user: id, trigger: undefined, respond }, tools),
    )
  })
  app.view({ callback_id: FORM, type: 'view_submission' }, async ({ ack, body, view, context }) => {
    const { id, team_id, name } = body.user
    const { button, chat, code } = codeIn(view)
    const application = String(fieldOf(body, 'api_app_id') ?? '')
    const said = { application, team: body.team?.id ?? team_id ?? '', id, name, chat, button, code, text: '' }
    const trigger = fieldOf(body, 'trigger_id') ?? context.envelopeId
    await handle(ack, said, trigger, answersTo({ chat, user: id, trigger: undefined, respond: null }, tools))
  })

  interface Said extends Pick<Word, 'button' | 'code' | 'text' | 'chat'> {
    readonly application: string
    readonly team: string
    readonly id: string
    readonly name: string
  }
  type Answers = ReturnType<typeof answersTo>

  async function handle(ack: () => Promise<unknown>, said: Said, trigger: unknown, answers: Answers): Promise<void> {
    if (tools.isDeaf()) return
    const { application, team, id, name, ...what } = said
    const user = `${team}/${id}`
    if (typeof trigger === 'string' && trigger !== '') {
      const key = `slack:${application}:${trigger}`
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, HANDLED_MS)
      const word = {
        platform: 'slack' as const,
        user,
        name: name || id || user,
        key,
        saidMs: null,
        options: null,
        ...what,
        ...answers,
      }
      await Promise.race([tools.onWord(word), late])
      clearTimeout(timer)
    } else warn('an order from Slack has no id, so it was not taken')
    ack().catch(() => {})
  }
  return app
}

/** What the person wrote: Slack escapes three characters in what it passes on. */
function textOf(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').trim()
}

export function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
