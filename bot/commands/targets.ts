import type { GenerationStatus, Switched } from '../../core/api/switch-control.ts'
import { ago } from '../../core/cli/time.ts'
import { answer, cut, footer, lines, paged, type Render } from './answer.ts'

const PER_PAGE = 12
/** More lines than that come as a file. */
const MOST_LINES = 40

/** `generations`, `generations TARGET`. */
export const generations: Render = (data, args, showing) => {
  const all = data as readonly GenerationStatus[]
  const { shown, row, note } = paged(all, PER_PAGE, showing)
  const told = shown.map(({ target, generation, current, knownGood, quarantined, createdTs, why }) => {
    const icon = current ? '▶️' : quarantined ? '⛔' : knownGood ? '🟢' : '⚪'
    const marks = [current ? 'runs' : '', knownGood ? 'known to be good' : '', quarantined ? 'quarantined' : '']
    const said = [...marks, ago(createdTs, showing.nowMs), why ?? ''].filter(mark => mark !== '').join(', ')
    return `${icon} ${target} ${generation}: ${cut(said, 200)}`
  })
  const of = typeof args.target === 'string' ? ` of ${args.target}` : ''
  return answer(
    {
      icon: '🗂',
      title: all.length === 0 ? `There are no generations${of}` : `Generations${of}, newest first`,
      blocks: lines(...told),
      footer: footer(note, showing.place.host),
      buttons: [row],
    },
    showing,
  )
}

/** `diff TARGET FROM TO`. */
export const diff: Render = (data, args, showing) => {
  const { lines: all } = data as { readonly lines: readonly string[] }
  const title = `What ${String(args.to)} of ${String(args.target)} has other than ${String(args.from)}`
  if (all.length === 0) return answer({ icon: '🗂', title, blocks: lines('Nothing differs.') }, showing)
  const isLong = all.length > MOST_LINES
  const shown = isLong ? all.slice(0, MOST_LINES / 2) : all
  const more = isLong ? `, the first ${shown.length} of ${all.length} lines: the file has all` : ''
  const name = `diff-${String(args.target)}.txt`
  return answer(
    { icon: '🗂', title, blocks: [{ block: 'log', title: `differences${more}`, text: shown.join('\n') }] },
    showing,
    ...(isLong ? [{ name, text: `${all.join('\n')}\n` }] : []),
  )
}

/** `rollback TARGET --dry-run`. */
export const plan: Render = (data, args, showing) => {
  const { target, from, to, why } = data as Switched
  const leads = to === null ? 'nowhere' : `to ${to.generation} (${to.path})`
  return answer(
    {
      icon: '🔎',
      title: `Dry run: ${target} would go back ${cut(leads, 100)}`,
      blocks: lines(
        from === null ? 'Nothing whole runs now.' : `${from.generation} runs now (${from.path}).`,
        why ?? '',
        'Nothing was changed.',
      ),
      footer: footer(typeof args.to === 'string' ? '' : 'the last known-good generation', showing.place.host),
    },
    showing,
  )
}
