import type { WordHelp } from '../../core/command/help-words.ts'
import { answer, button, footer, lines, paged, type Render, written } from './answer.ts'

const PER_PAGE = 10

/** `help`, `help WORD`. */
export const help: Render = (data, args, showing) => {
  const all = data as readonly WordHelp[]
  const [only] = all
  return typeof args.word === 'string' && only !== undefined ? ofOne(only, showing) : ofAll(all, showing)
}

function ofAll(all: readonly WordHelp[], showing: Parameters<Render>[2]): ReturnType<Render> {
  const { shown, row, note } = paged(all, PER_PAGE, showing)
  return answer(
    {
      ...{ icon: '💬', title: 'What can be said to heald' },
      blocks: lines(...shown.map(({ usage, summary }) => `${written(usage, showing.platform)}: ${summary}`)),
      footer: footer(note, `${written('help WORD', showing.platform)} says all about one`, showing.place.host),
      buttons: [row],
    },
    showing,
  )
}

function ofOne({ usage, summary, role, args, examples }: WordHelp, showing: Parameters<Render>[2]): ReturnType<Render> {
  const who = role === null ? 'Anybody may say it.' : `By default ${role === 'viewer' ? 'a' : 'an'} ${role} may say it.`
  const meanings = args.map(({ name, help, optional }) => `${name}: ${help}${optional ? ' (may be left out)' : ''}`)
  const written_ = examples.map(example => written(example, showing.platform)).join('\n')
  return answer(
    {
      ...{ icon: '💬', title: written(usage, showing.platform) },
      blocks: [...lines(summary, who), ...lines(...meanings), { block: 'log', title: 'for example', text: written_ }],
      buttons: [[button(showing.links.say('help'), 'All words')]],
    },
    showing,
  )
}
