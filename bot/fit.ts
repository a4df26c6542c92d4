import type { Block, Message, TimedStep } from './message.ts'

/** How much is kept, from all to next to nothing. Each cut says that it was made. */
const LEVELS = [
  { logLines: 40, steps: 14, textChars: 3000, factChars: 500, lineChars: 300 },
  { logLines: 20, steps: 12, textChars: 1500, factChars: 300, lineChars: 200 },
  { logLines: 8, steps: 8, textChars: 800, factChars: 200, lineChars: 160 },
  { logLines: 4, steps: 5, textChars: 400, factChars: 120, lineChars: 120 },
  { logLines: 0, steps: 3, textChars: 250, factChars: 80, lineChars: 100 },
  { logLines: 0, steps: 0, textChars: 150, factChars: 40, lineChars: 80 },
] as const

type Level = (typeof LEVELS)[number]

const MOST_BLOCKS = 12
/** The first leaves room for an icon in a header of 150; the last one fits there even where each character is escaped. */
const TITLE_CHARS = [146, 100, 28] as const
const FOOTER_CHARS = 200

/** The message as large as the platform takes it. What is left at the end fits everywhere. */
export function fit(message: Message, fits: (message: Message) => boolean): Message {
  for (const titleChars of TITLE_CHARS)
    for (const level of LEVELS) {
      const smaller = cut(message, titleChars, level)
      if (fits(smaller)) return smaller
    }
  const bare = TITLE_CHARS.map(titleChars => ({
    ...cut(message, titleChars, LEVELS[LEVELS.length - 1] ?? LEVELS[0]),
    ...{ blocks: [], buttons: message.buttons.slice(0, 1) },
  }))
  return bare.find(fits) ?? bare.at(-1) ?? message
}

function cut(message: Message, titleChars: number, level: Level): Message {
  return {
    ...message,
    title: shortened(message.title, titleChars),
    footer: shortened(message.footer, FOOTER_CHARS),
    blocks: message.blocks.slice(0, MOST_BLOCKS).flatMap(block => cutBlock(block, level)),
  }
}

function cutBlock(block: Block, level: Level): Block[] {
  switch (block.block) {
    case 'text':
      return [{ ...block, text: shortened(block.text, level.textChars) }]
    case 'facts': {
      const facts = block.facts.slice(0, 10).map(({ name, value }) => ({
        name: shortened(name, 60),
        value: typeof value === 'string' ? shortened(value, level.factChars) : value,
      }))
      return facts.length === 0 ? [] : [{ ...block, facts }]
    }
    case 'steps':
      return level.steps === 0 ? [] : [{ ...block, steps: cutSteps(block.steps, level) }]
    case 'log': {
      const lines = block.text.split('\n')
      const kept =
        level.logLines === 0 ? [] : lines.slice(-level.logLines).map(line => shortened(line, level.lineChars))
      const left = lines.length - kept.length
      const note = left === 0 ? '' : ` (${left} ${left === 1 ? 'line' : 'lines'} left out)`
      if (kept.length === 0) return [{ block: 'text', text: `${shortened(block.title, 100)}${note}` }]
      return [{ ...block, title: `${shortened(block.title, 100)}${note}`, text: kept.join('\n') }]
    }
  }
}

/** The beginning and the newest matter most. */
function cutSteps(steps: readonly TimedStep[], { steps: most, lineChars }: Level): TimedStep[] {
  const short = steps.map(step => ({ ...step, words: shortened(step.words, lineChars) }))
  if (short.length <= most) return short
  const first = Math.floor(most / 3)
  const last = most - first - 1
  const left = short.length - first - last
  return [...short.slice(0, first), { offset: '', words: `… ${left} more steps` }, ...short.slice(short.length - last)]
}

/** By whole characters: half of a pair is no text. */
export function shortened(text: string, mostChars: number): string {
  if (text.length <= mostChars) return text
  const end = mostChars - 1
  const isHalf = /[\uD800-\uDBFF]/.test(text[end - 1] ?? '')
  return `${text.slice(0, isHalf ? end - 1 : end).trimEnd()}…`
}
