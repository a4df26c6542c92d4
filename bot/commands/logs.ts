import { answer, type Render } from './answer.ts'

/** More lines than that come as a file. */
const MOST_LINES = 40
const MOST_CHARS = 2500

/** `logs SERVICE`. */
export const logs: Render = (data, _args, showing) => {
  const { service, text } = data as { readonly service: string; readonly text: string }
  const all = text.split('\n')
  const isLong = all.length > MOST_LINES || text.length > MOST_CHARS
  const shown = all.slice(-(isLong ? MOST_LINES / 2 : MOST_LINES))
  const more = isLong ? `, the last ${shown.length} of ${all.length} lines: the file has all` : ''
  return answer(
    {
      icon: '📜',
      title: text.trim() === '' ? `${service} has written nothing` : `What ${service} wrote last`,
      blocks: text.trim() === '' ? [] : [{ block: 'log', title: `${service}${more}`, text: shown.join('\n') }],
    },
    showing,
    ...(isLong ? [{ name: `${service}.log.txt`, text: `${text}\n` }] : []),
  )
}
