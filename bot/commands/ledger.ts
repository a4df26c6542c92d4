import { counted } from '../../core/cli/text.ts'
import type { LedgerPage } from '../../core/command/answers.ts'
import type { Entry } from '../../core/entry.ts'
import { entryInWords } from '../../core/incident/words.ts'
import { receiptOf } from '../../core/ledger/receipt.ts'
import type { TimedStep } from '../message.ts'
import { answer, at, button, cut, footer, lines, type Render, type Showing, written } from './answer.ts'

const MOST_WORDS = 180
const MOST_BUTTONS = 5
const MOST_VALUE = 300
const MOST_NAMED = 5
/** A page tells of no more (`MAX_BAD` of `core/ledger/list.ts`). */
const MOST_TOLD = 100

/** `ledger FILTER`: a page of entries, the newest first. The next page is a filter of its own. */
export const ledger: Render = (data, args, showing) => {
  // A core from before tells of none.
  const { lines: all, next, bad = [] } = data as LedgerPage
  const { links } = showing
  const filter = typeof args.filter === 'string' ? args.filter : ''
  const entries = all.map(line => JSON.parse(line) as Entry)
  const isFirst = !/(^|\s)to:\d+$/.test(filter)
  const plain = filter.replace(/(^|\s)to:\d+$/, '')
  const steps: TimedStep[] = entries.map(entry => {
    const by = entry.actor === undefined || entry.actor === 'heald' ? '' : ` (${entry.actor})`
    return { offset: `#${entry.seq}`, words: `${at(entry.ts, showing)} ${cut(entryInWords(entry), MOST_WORDS)}${by}` }
  })
  const verify = bad.length === 0 ? [] : [button(links.say('verify'), 'Verify')]
  const turns = [
    ...(next === null ? [] : [button(links.turn(`ledger ${next}`), 'Older ▶')]),
    ...(isFirst ? [] : [button(links.turn(`ledger ${plain}`.trim()), '⏮ Newest')]),
  ]
  return answer(
    {
      ...(bad.length === 0 ? { icon: '📒' } : { icon: '⛔', tone: 'warning' }),
      title: filter === '' ? 'The newest entries of the ledger' : `Ledger: ${cut(plain, 100)}`,
      blocks: [
        ...lines(damagedText(bad, showing), entries.length + bad.length === 0 ? 'No entry fits.' : ''),
        ...(entries.length === 0 ? [] : [{ block: 'steps' as const, steps }]),
      ],
      footer: footer(entries[0] === undefined ? '' : receiptOf(entries[0].seq, entries[0].h), showing.place.host),
      buttons: [
        [...verify, ...turns],
        entries.slice(0, MOST_BUTTONS).map(({ seq }) => button(links.say(`show ${seq}`), `#${seq}`)),
      ],
    },
    showing,
  )
}

/** '' for none. Not what stands in them: somebody may have written it there. */
function damagedText(bad: LedgerPage['bad'], { platform }: Showing): string {
  if (bad.length === 0) return ''
  const named = bad.filter(({ seq }) => seq >= 0).map(({ seq }) => `#${seq}`)
  const which = named.length === 0 ? '' : `: ${named.slice(0, MOST_NAMED).join(', ')}`
  const more = named.length > MOST_NAMED ? ', …' : ''
  const atLeast = bad.length < MOST_TOLD ? '' : 'at least '
  const are = `${counted(bad.length, 'entry here is', 'entries here are')} damaged and not shown`
  return `⚠️ ${atLeast}${are}${which}${more}. ${written('verify', platform)} says more.`
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
