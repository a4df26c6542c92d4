import type { ConsoleOutput } from '../../../adapters/chat/console.ts'
import type { Trouble } from '../../conformance/platform.ts'

/** One printed card or change, as a reader tells them apart: by the id in brackets at the end of its first line. */
export interface Printed {
  readonly chat: string
  readonly reference: string
  readonly answers: string | null
  /** Without colours. */
  readonly text: string
  readonly hasBell: boolean
  readonly isChange: boolean
}

/** An output that keeps what was written, and fails on command as a stream does. */
export interface Recorder extends ConsoleOutput {
  readonly printed: Printed[]
  /** Everything written, colours and all. */
  raw(): string
  writes(): number
  next(trouble: Trouble): void
  /** Nobody reads it any more, until `admit`. */
  shut(): void
  admit(): void
}

const TAG = /\((?:(?<chat>\S+) · )?(?<reference>[0-9a-f]{4}\.\d+)(?: · answers (?<answers>[0-9a-f]{4}\.\d+))?\)$/

export function recorder({ isTerminal = false, hasColour = false, onlyChat = '' } = {}): Recorder {
  const printed: Printed[] = []
  let raw = ''
  let writes = 0
  let trouble: Trouble | null = null
  let isShut = false

  function record(text: string): void {
    raw += text
    const clean = text.replaceAll(/\u001b\[[0-9;]*m/g, '').replaceAll('\u0007', '')
    const { chat = onlyChat, reference = '', answers = null } = TAG.exec(clean.split('\n', 1)[0] ?? '')?.groups ?? {}
    if (reference === '' || !clean.endsWith('\n')) throw new Error(`not a card: ${JSON.stringify(text)}`)
    const isChange = printed.some(card => card.reference === reference)
    if (isChange && clean.split('\n').length !== 2) throw new Error('a change takes one line')
    printed.push({ chat, reference, answers, text: clean, hasBell: text.includes('\u0007'), isChange })
  }

  return {
    printed,
    isTerminal,
    hasColour,
    raw: () => raw,
    writes: () => writes,
    next: next => {
      trouble = next
    },
    shut: () => {
      isShut = true
    },
    admit: () => {
      isShut = false
    },
    async write(text) {
      writes += 1
      const now = trouble
      trouble = null
      if (isShut) throw failure('EPIPE')
      if (now === 'hang') return new Promise(() => {})
      if (now === 'cut') throw failure('EAGAIN')
      if (now === 'error 500') throw failure('EIO')
      record(text)
      if (now === 'answer lost') throw failure('EIO')
    },
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: i/o error, write`), { code })
}
