import type { Entry } from '../../core/entry.ts'
import { entryInWords } from '../../core/incident/words.ts'
import { receiptOf } from '../../core/ledger/receipt.ts'
import type { TimedStep } from '../message.ts'
import { answer, at, button, cut, footer, lines, type Render } from './answer.ts'

const MOST_WORDS = 180
const MOST_BUTTONS = 5
const MOST_VALUE = 300

interface Page {
  readonly lines: readonly string[]
  readonly next: string | null
}

/** `ledger FILTER`: a page of entries, the newest first. The next page is a filter of its own. */
export const ledger: Render = (data, args, showing) => {
  const { lines: all, next } = data as Page
  const { links } = showing
  const filter = typeof args.filter === 'string' ? args.filter : ''
  const entries = all.map(line => JSON.parse(line) as Entry)
  const isFirst = !/(^|\s)to:\d+$/.test(filter)
  const plain = filter.replace(/(^|\s)to:\d+$/, '')
  const steps: TimedStep[] = entries.map(entry => {
    const by = entry.actor === undefined || entry.actor === 'heald' ? '' : ` (${entry.actor})`
    return { offset: `#${entry.seq}`, words: `${at(entry.ts, showing)} ${cut(entryInWords(entry), MOST_WORDS)}${by}` }
  })
  const turns = [
    ...(next === null ? [] : [button(links.turn(`ledger ${next}`), 'Older ▶')]),
    ...(isFirst ? [] : [button(links.turn(`ledger ${plain}`.trim()), '⏮ Newest')]),
  ]
  return answer(
    {
      icon: '📒',
      title: filter === '' ? 'The newest entries of the ledger' : `Ledger: ${cut(plain, 100)}`,
      blocks: entries.length === 0 ? lines('No entry fits.') : [{ block: 'steps', steps }],
      footer: footer(entries[0] === undefined ? '' : receiptOf(entries[0].seq, entries[0].h), showing.place.host),
      buttons: [turns, entries.slice(0, MOST_BUTTONS).map(({ seq }) => button(links.say(`show ${seq}`), `#${seq}`))],
    },
    showing,
  )
}

/** `show SEQ`: every field, one a line. */
export const show: Render = (data, _args, showing) => {
  const { line } = data as { readonly line: string }
  const entry = JSON.parse(line) as Entry
  const { v: _, data: fields, ...rest } = entry
  const shown = [
    ...Object.entries(rest).map(([name, value]) => [name, String(value)]),
    ...Object.entries(fields).map(([name, value]) => [
      `data.${name}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ]
  const width = Math.max(...shown.map(([name = '']) => name.length))
  const text = shown.map(([name = '', value = '']) => `${name.padEnd(width)}  ${cut(value, MOST_VALUE)}`).join('\n')
  const { links } = showing
  const about = entry.inc === undefined ? [] : [button(links.say(`incident ${entry.inc}`), entry.inc)]
  return answer(
    {
      icon: '📒',
      title: `Entry #${entry.seq}: ${cut(entryInWords(entry), 110)}`,
      blocks: [{ block: 'log', title: `${at(entry.ts, showing)} ${showing.place.tz}`, text }],
      footer: footer(receiptOf(entry.seq, entry.h), showing.place.host),
      buttons: [[button(links.say(`proof ${entry.seq}`), 'Proof'), ...about]],
    },
    showing,
  )
}

/** `proof SEQ`: a file, so that nothing of it is lost on its way. */
export const proof: Render = (data, _args, showing) => {
  const { seq, receipt } = data as { readonly seq: number; readonly receipt: string }
  const text = `It proves entry #${seq} anywhere, with the ledger’s public key: heald ledger check receipt-${seq}.txt --key KEY`
  return answer({ icon: '🧾', title: `Full receipt of entry #${seq}`, blocks: lines(text) }, showing, {
    name: `receipt-${seq}.txt`,
    text: receipt,
  })
}
