import { cleanLine, cleanLines } from '../core/cli/text.ts'
import { shortened } from './fit.ts'
import type { Block, Message } from './message.ts'

const LONGEST_LABEL = 40

/** Text of services, operators and configuration may hold anything. */
export function cleaned(message: Message): Message {
  return {
    ...message,
    title: cleanLine(message.title),
    footer: cleanLine(message.footer),
    blocks: message.blocks.map(cleanBlock),
    buttons: message.buttons
      .filter(row => row.length > 0)
      .map(row => row.map(button => ({ ...button, label: shortened(cleanLine(button.label), LONGEST_LABEL) }))),
  }
}

function cleanBlock(block: Block): Block {
  switch (block.block) {
    case 'text':
      return { ...block, text: cleanLines(block.text) }
    case 'facts':
      return {
        ...block,
        facts: block.facts.map(({ name, value }) => ({
          name: cleanLine(name),
          value: typeof value === 'string' ? cleanLine(value) : value,
        })),
      }
    case 'steps':
      return { ...block, steps: block.steps.map(({ offset, words }) => ({ offset, words: cleanLine(words) })) }
    case 'log':
      return { ...block, title: cleanLine(block.title), text: cleanLines(block.text) }
  }
}
