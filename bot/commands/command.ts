import { ENDED } from '../../core/command/memory.ts'
import type { CommandView, Reply } from '../../core/command/port.ts'
import type { Fault } from '../../core/fault.ts'
import { approvalText, begun, commandLine, commandLooks, commandText, offerButton, sentence } from '../command-words.ts'
import type { Fact } from '../message.ts'
import { type Answer, answer, cut, footer, lines, paged, type Render, type Showing, written } from './answer.ts'

const PER_PAGE = 8
const MOST_WITH_BUTTONS = 2
const MOST_LINE = 220

/** `commands`. */
export const commands: Render = (data, _args, showing) => {
  const all = data as readonly CommandView[]
  const { shown, row, note } = paged(all, PER_PAGE, showing)
  const waiting = all.filter(({ state }) => state === 'awaiting')
  const offers = shown.filter(({ state }) => state === 'awaiting').slice(0, MOST_WITH_BUTTONS)
  return answer(
    {
      icon: waiting.length > 0 ? '⏳' : '🧾',
      title:
        all.length === 0
          ? 'No commands were given yet'
          : waiting.length === 0
            ? 'No command waits for anybody'
            : `${waiting.length} ${waiting.length === 1 ? 'command waits' : 'commands wait'} for somebody`,
      blocks: lines(...shown.map(each => cut(commandLine(each), MOST_LINE))),
      footer: footer(note, showing.place.host),
      buttons: [
        row,
        ...offers.map(({ id, offers }) =>
          offers.map(offer => ({ ...offerButton(offer), label: cut(`${offer.label} ${id}`, 40) })),
        ),
      ],
    },
    showing,
  )
}

/** What came of an order, an approval or a denial so far. Its card tells the rest. */
export function commandAnswer({ command, isAgain }: Extract<Reply, { reply: 'command' }>, showing: Showing): Answer {
  const again = isAgain ? 'That was said before, so nothing was done now. This is how it stands:' : ''
  const parts = { ...commandLooks(command), footer: footer(command.receipt, showing.place.host) }
  // Where everybody sees the answer, the card beside it says the rest, and has the buttons.
  if (showing.platform === 'telegram' && !ENDED.has(command.state))
    return answer({ ...parts, blocks: lines(again, codeHint(command)) }, showing)
  const approved = approvalText(command)
  const facts: Fact[] = [
    ...(approved === '' ? [] : [{ name: 'Approved by', value: approved }]),
    ...(command.approvers.length === 0
      ? []
      : [{ name: 'May approve', value: command.approvers.map(({ operator }) => operator).join(', ') }]),
  ]
  const told = facts.length === 0 ? [] : [{ block: 'facts' as const, facts }]
  return answer(
    {
      ...parts,
      blocks: [...lines(again, ...commandText(command)), ...told],
      buttons: [command.offers.map(offerButton)],
    },
    showing,
  )
}

/** There are no forms on Telegram: a code has to be written. */
function codeHint({ state, needs, id }: CommandView): string {
  if (state !== 'awaiting' || needs?.code !== true) return ''
  if (needs.approvals > 0)
    return `Whoever approves it writes /approve ${id} and the six digits of the authenticator app.`
  return `It needs a code: /approve ${id} and the six digits of the authenticator app.`
}

/** A code of the person's own is missing. */
export function codeAnswer({ args, command }: Extract<Reply, { reply: 'code' }>, showing: Showing): Answer {
  const line = `approve ${String(args.id)}`
  const { platform, links } = showing
  const how =
    platform === 'telegram'
      ? `Write ${written(line, platform)} and the six digits that your authenticator app shows now.`
      : `Press the button, or write ${written(`${line} CODE`, platform)}.`
  const enter = { id: links.say(line), label: 'Enter the code', style: 'primary', asksCode: true } as const
  return answer(
    {
      ...{ icon: '🔑', tone: 'warning', title: `${String(args.id)} needs a one-time code of yours` },
      blocks: lines(command === null ? '' : commandLine(command), how, 'Nothing was done yet.'),
      footer: footer(command?.receipt ?? '', showing.place.host),
      buttons: platform === 'telegram' ? [] : [[enter]],
    },
    showing,
  )
}

const ICONS: { readonly [family: string]: string } = { denied: '🚫', stale: '⌛', over: '⌛', usage: '💬' }

/** What was refused, and why. */
export function refusal({ code, message, hint }: Pick<Fault, 'code' | 'message' | 'hint'>, showing: Showing): Answer {
  const [family = '', name = ''] = code.split('.')
  const icon = ICONS[name] ?? ICONS[family] ?? '⚠️'
  const title = begun(message)
  const isLong = title.length > 140
  return answer(
    {
      ...{ icon, tone: 'warning', title: isLong ? 'Not done' : title },
      blocks: lines(isLong ? message : '', hint === undefined ? '' : sentence(hint)),
    },
    showing,
  )
}
