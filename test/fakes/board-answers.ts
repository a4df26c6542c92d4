import { drawDiscord } from '../gallery/draw-discord.ts'
import { drawSlack } from '../gallery/draw-slack.ts'
import { element, escaped } from '../gallery/mark.ts'
import type { ShownMessage } from './board.ts'
import { answersIn } from './discord/interactions.ts'
import type { DiscordFake } from './discord/server.ts'
import type { SlackFake } from './slack/fake.ts'

// What is shown to who said a word, beside the messages of a chat: answers, and forms for a code. One person uses the page,
// so all of it is shown to them.

export type Timed = ShownMessage & { readonly atMs: number }

/** Of a file as much as can be judged by. */
const MOST_SHOWN = 4000

/** Answers that are private on both platforms have these ids on the page, which no message has. */
const ANSWER = 'answer '

/** For "5 seconds ago": what changes each second would be drawn anew under somebody's finger. */
export const aboutNow = () => Math.ceil(Date.now() / 10_000) * 10_000

export function discordAnswers({ world }: DiscordFake, channel: string): Timed[] {
  return [...world.interactions.values()]
    .filter(each => each.channel === channel)
    .flatMap(({ id, createdMs, answers }) =>
      answers.map(({ message, isEphemeral, file }, at) => ({
        ...answer(`${ANSWER}${id} ${at}`, isEphemeral, drawDiscord(message, aboutNow()) + attached(file)),
        atMs: createdMs,
      })),
    )
    .filter(({ html }) => html !== '')
}

/** Null: it is no answer's button. */
export function pressDiscordAnswer(fake: DiscordFake, channel: string, message: string, button: string): boolean {
  const [, id = '', at = ''] = message.split(' ')
  const found = message.startsWith(ANSWER) ? fake.world.interactions.get(id)?.answers[Number(at)] : undefined
  if (found === undefined) return false
  fake.interact(channel, { kind: 'button', id: button, message: answersIn(fake.world).indexOf(found) })
  return true
}

export function slackAnswers({ workspace }: SlackFake, channel: string): Timed[] {
  return workspace.answers.flatMap(({ text, blocks, isEphemeral, file, atMs, channel: where }, at) => {
    if (where !== channel) return []
    const html = text === '' && blocks.length === 0 ? '' : drawSlack({ text, blocks })
    return [{ ...answer(`${ANSWER}${at}`, isEphemeral, html + attached(file)), atMs }]
  })
}

export function pressSlackAnswer(fake: SlackFake, message: string, button: string): boolean {
  if (!message.startsWith(ANSWER)) return false
  fake.sockets.send('interactive', fake.pressAnswerOf(Number(message.slice(ANSWER.length)), button))
  return true
}

/** The form that stands open, by its title. */
export function discordForm({ world }: DiscordFake): { readonly title: string; isOver: boolean } | null {
  const form = [...world.interactions.values()].findLast(each => each.form !== null)?.form ?? null
  return form === null || form.isOver ? null : form
}

export function slackForm({ workspace }: SlackFake): { readonly title: string; isSubmitted: boolean } | null {
  const view = workspace.views.at(-1)
  return view === undefined || view.isSubmitted ? null : view
}

/** A file below a message, to be opened. */
export function attached(file: { readonly name: string; readonly text: string } | null): string {
  if (file === null) return ''
  const { name, text } = file
  const begin = element('pre', '', escaped(text.slice(0, MOST_SHOWN)))
  return element('details', 'file', element('summary', '', escaped(`📎 ${name}, ${text.length} characters`)), begin)
}

function answer(id: string, isPrivate: boolean, html: string): ShownMessage {
  return { ...{ id, isPrivate, html, isOurs: true, isSilent: false, isEdited: false, replyTo: null } }
}
