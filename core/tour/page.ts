import { type Colour, paint } from '../cli/colour.ts'
import type { Context } from '../cli/command.ts'
import { cleanLine, columnsOf } from '../cli/text.ts'
import { clockTime } from '../cli/time.ts'
import type { Entry, Kind } from '../entry.ts'
import { entryInWords } from '../incident/words.ts'
import { receiptOf } from '../ledger/receipt.ts'

/** Never colour alone: each has a sign. */
const VERDICTS = {
  good: ['✓', 'green'],
  bad: ['✗', 'red'],
  skipped: ['–', 'yellow'],
} as const satisfies Record<string, readonly [string, Colour]>
export type Verdict = keyof typeof VERDICTS

/** What the visitor sees: at most 100 columns, one label a line. Everything not ours is cleaned. */
export interface Page {
  heading(text: string, sentence?: string): void
  scene(number: number, text: string): void
  say(label: string, text: string, verdict?: Verdict): void
  /** Lines to type, with what they do; never wrapped. */
  commands(label: string, rows: readonly (readonly [command: string, note?: string])[]): void
  /** One entry as it happens, if it says something to a person. */
  event(entry: Entry): void
}

const MOST_COLUMNS = 100
const LABEL_COLUMNS = 10
const INDENT = '   '

export function openPage(context: Context): Page {
  const width = () => Math.max(40, Math.min(MOST_COLUMNS, context.columns))
  const put = (line: string) => {
    if (!context.json) context.out(`${line.trimEnd()}\n`)
  }
  const tint = (text: string, colour: Colour | undefined) => paint(text, colour, context.colour)
  const labelled = (label: string) => INDENT + tint(label.padEnd(LABEL_COLUMNS), 'dim')

  return {
    heading(text, sentence = '') {
      put('')
      put(tint(cleanLine(text), 'bold'))
      if (sentence !== '') for (const line of wrap(sentence, width() - INDENT.length)) put(INDENT + line)
    },
    scene(number, text) {
      put('')
      put(`${tint(String(number), 'cyan')}  ${tint(cleanLine(text), 'bold')}`)
    },
    say(label, text, verdict) {
      const [sign, colour] = verdict === undefined ? [] : VERDICTS[verdict]
      const words = cleanLine(sign === undefined ? text : `${sign} ${text}`)
      const lines = wrap(words, width() - INDENT.length - LABEL_COLUMNS)
      for (const [index, line] of lines.entries()) put(labelled(index === 0 ? label : '') + tint(line, colour))
    },
    commands(label, rows) {
      const width = Math.max(0, ...rows.map(([command, note]) => (note === undefined ? 0 : columnsOf(command))))
      for (const [index, [command, note = '']] of rows.entries()) {
        const typed = tint(command, 'cyan') + ' '.repeat(Math.max(0, width - columnsOf(command)))
        put(`${labelled(index === 0 ? label : '')}${typed}  ${tint(note, 'dim')}`)
      }
    },
    event(entry) {
      if (!SHOWN.has(entry.kind)) return
      const [sign, colour] = signOf(entry)
      const time = clockTime(entry.ts, context.nowMs(), context.tz)
      const lines = wrap(`${sign} ${cleanLine(entryInWords(entry))}`, width() - INDENT.length - LABEL_COLUMNS)
      for (const [index, line] of lines.entries()) put(labelled(index === 0 ? time : '') + tint(line, colour))
      if (entry.kind === 'incident.resolved') put(labelled('') + tint(receiptOf(entry.seq, entry.h), 'dim'))
    },
  }
}

/** What a person wants to see of an incident; the ledger has the rest. */
const SHOWN: ReadonlySet<string> = new Set<Kind>([
  ...(['service.exited', 'service.hung', 'service.recovered', 'service.stopped', 'service.held'] as const),
  ...(['crashloop.detected', 'incident.escalated', 'incident.acked', 'incident.resolved'] as const),
  ...(['switch.committed', 'switch.failed', 'rollback.started', 'rollback.verified', 'rollback.held'] as const),
  ...(['generation.quarantined', 'config.applied', 'ledger.gap', 'integrity.alert', 'clock.rewound'] as const),
])

function signOf({ kind, data }: Entry): readonly [string, Colour | undefined] {
  if (data.wanted === true) return ['·', undefined]
  if (/^(service\.(exited|hung|unhealthy)|crashloop\.detected|rollback\.held|integrity\.alert|ledger\.gap)$/.test(kind))
    return VERDICTS.bad
  if (/^(service\.recovered|incident\.resolved|switch\.committed|rollback\.verified)$/.test(kind)) return VERDICTS.good
  return ['·', undefined]
}

/** Broken between words; a word that is longer than a line keeps it for itself. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line === '' || columnsOf(longer) <= columns) line = longer
    else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}
