import { randomBytes } from 'node:crypto'
import type { Channel, OpenChannel, PostHow, Verdict } from '../../bot/channel.ts'
import type { Message } from '../../bot/message.ts'
import type { ConsoleSpec } from '../../core/config/channel-spec.ts'
import { cardOf, changeOf } from './console-text.ts'

// Life of a card on the console
// 1. A post prints the card, with a short id at the end of its first line; that id is the reference.
// 2. An edit prints one line under the same id: the title as it is now, and the last step. The same again prints nothing.
// 3. What this process did not print is `gone`: whoever looks at this terminal has never seen it, and gets the whole card.

/** Where cards go. `write` resolves when the text was taken, and rejects with Node's error when it was not. */
export interface ConsoleOutput {
  /** Somebody may sit there: the bell is rung. */
  readonly isTerminal: boolean
  readonly hasColour: boolean
  write(text: string): Promise<void>
}

/** The same figure as the port's; an adapter may load only types from there. */
const DEADLINE_MS = 10_000
/** A line printer has no limit; this is only so that nothing huge goes through. UTF-16 units, card and all. */
const MOST_LENGTH = 64 * 1024
/** References that can be edited; the oldest is forgotten first. */
const MOST_CARDS = 1000
/** Writes that were never answered (a stopped terminal, a full pipe) and may wait in the stream's buffer. */
const MOST_UNANSWERED = 8
/** The reader has gone and will not come back to this stream. */
const CLOSED_CODES = ['EPIPE', 'EBADF', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']

export const openConsole = (
  spec: ConsoleSpec,
  tools: Parameters<OpenChannel<ConsoleSpec>>[1],
  output: ConsoleOutput = streamOutput(process.stdout),
  deadlineMs = DEADLINE_MS,
): Promise<Channel> => {
  const run = randomBytes(2).toString('hex')
  /** What was printed last, by reference. */
  const printed = new Map<string, string>()
  const format = { hasColour: output.hasColour, isOneChat: spec.chats.length === 1 }
  let count = 0
  let unanswered = 0
  let isClosed = false

  const later = (why: string, isOpen: boolean): Verdict => ({
    verdict: 'retry',
    afterMs: null,
    of: 'channel',
    isOpen,
    why,
  })

  async function print(text: string, reference: string): Promise<Verdict> {
    if (isClosed) return later('the channel is closed', false)
    if (unanswered >= MOST_UNANSWERED) return later('the terminal has not taken what was written before', false)
    const verdict = await writeInTime(text, reference)
    const isFinal = verdict.verdict === 'refused'
    if (!isClosed) {
      const isUp = verdict.verdict === 'done'
      tools.events.onState({ isUp, isFinal, why: isUp ? 'the console takes lines' : verdict.why })
    }
    return verdict
  }

  async function writeInTime(text: string, reference: string): Promise<Verdict> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>(resolve => {
      timer = setTimeout(resolve, deadlineMs, 'late')
    })
    unanswered += 1
    const written = output.write(text).then(
      () => 'done' as const,
      (error: unknown) => ({ code: codeOf(error) }),
    )
    // Counted until the stream says something, however late that is.
    const answered = written.finally(() => {
      unanswered -= 1
    })
    const end = await Promise.race([answered, late])
    clearTimeout(timer)
    if (end === 'done') return { verdict: 'done', reference }
    if (end === 'late') return later(`the terminal took nothing within ${deadlineMs / 1000} s`, true)
    if (CLOSED_CODES.includes(end.code))
      return { verdict: 'refused', of: 'channel', why: `nobody reads the output any more (${end.code})` }
    return later(`the output could not be written (${end.code})`, true)
  }

  function remember(reference: string, line: string): void {
    printed.delete(reference)
    printed.set(reference, line)
    const oldest = printed.keys().next()
    if (printed.size > MOST_CARDS && !oldest.done) printed.delete(oldest.value)
  }

  const channel: Channel = {
    name: 'console',
    pace: () => [],
    fits: message => cardOf(message, { ...format, chat: '', reference: '', replyTo: null }).length <= MOST_LENGTH,

    async post(chat: string, message: Message, { isSilent, replyTo }: PostHow) {
      count += 1
      const reference = `${run}.${count}`
      const card = cardOf(message, { ...format, chat, reference, replyTo })
      const bell = output.isTerminal && message.tone === 'critical' && !isSilent ? '\u0007' : ''
      const verdict = await print(bell + card, reference)
      if (verdict.verdict === 'done') remember(reference, changeOf(message, { ...format, chat, reference }))
      return verdict
    },

    async edit(chat: string, reference: string, message: Message) {
      const before = printed.get(reference)
      if (before === undefined) return { verdict: 'gone', why: 'it was not printed on this console' }
      const line = changeOf(message, { ...format, chat, reference })
      if (line === before) return { verdict: 'done', reference }
      const verdict = await print(line, reference)
      if (verdict.verdict === 'done') remember(reference, line)
      return verdict
    },

    async close() {
      isClosed = true
    },
  }
  queueMicrotask(() => tools.events.onState({ isUp: true, isFinal: false, why: 'the console takes lines' }))
  return Promise.resolve(channel)
}

/** Streams whose `error` event is listened to: without a listener, a closed pipe would end the process. */
const guarded = new WeakSet<object>()

/**
 * Standard output, or another stream. Colour only where a terminal can show it and NO_COLOR is unset or empty
 * (https://no-color.org).
 */
export function streamOutput(
  stream: NodeJS.WriteStream,
  noColour: string | undefined = process.env.NO_COLOR,
): ConsoleOutput {
  if (!guarded.has(stream)) {
    guarded.add(stream)
    // The callback of `write` tells the same error.
    stream.on('error', () => {})
  }
  const isTerminal = stream.isTTY === true
  return {
    isTerminal,
    hasColour: isTerminal && (noColour ?? '') === '' && stream.hasColors(),
    write: text =>
      new Promise((resolve, reject) => {
        stream.write(text, error => (error ? reject(error) : resolve()))
      }),
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no reason given'
}
