import type { SilenceStatus } from '../../core/api/notice-control.ts'
import { spanOf } from '../../core/incident/measure.ts'
import { matchInWords } from '../../core/incident/notice-words.ts'
import { answer, at, cut, footer, lines, paged, type Render, written } from './answer.ts'

const PER_PAGE = 10

/** `silences`. */
export const silences: Render = (data, _args, showing) => {
  const all = data as readonly SilenceStatus[]
  const { shown, row, note } = paged(all, PER_PAGE, showing)
  const told = shown.map(({ id, match, untilTs, by, why }) => {
    const left = spanOf(Math.max(0, Date.parse(untilTs) - showing.nowMs))
    const because = why === '' ? '' : `: ${cut(why, 120)}`
    return `🔕 ${id}: ${matchInWords(match)} until ${at(untilTs, showing)}, ${left} left, by ${by}${because}`
  })
  const hint = all.length === 0 ? '' : `To end one: ${written('unsilence ID', showing.platform)}`
  return answer(
    {
      icon: all.length === 0 ? '🔔' : '🔕',
      title:
        all.length === 0
          ? 'Nothing is silenced'
          : `${all.length} ${all.length === 1 ? 'silence stands' : 'silences stand'}`,
      blocks: lines(...told, hint),
      footer: footer(note, showing.place.host),
      buttons: [row],
    },
    showing,
  )
}
