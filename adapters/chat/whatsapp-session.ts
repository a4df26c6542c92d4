import type { SessionPlace } from './whatsapp-place.ts'
import { listen, say } from './whatsapp-stream.ts'
import { type Answer, type Order, type Pairing, type Report, reportIn } from './whatsapp-wire.ts'

export interface SessionOptions {
  readonly place: SessionPlace
  /** Null: a device that is linked already. */
  readonly pairing: Pairing | null
  /** What the child tells by itself; `answer` is dealt with here. */
  onReport(report: Report): void
  /** The child has ended, once; all that was asked has been answered with null before. `isUnreached`: there was none. */
  onEnd(why: string, isUnreached: boolean): void
}

type Question<O extends Order = Order> = O extends { readonly id: number } ? Omit<O, 'id'> : never

/** One run of the child, from its start to its end. */
export interface Session {
  /** Null: no answer within the time, or the child has ended. `onLate` gets an answer that came afterwards. */
  ask(question: Question, withinMs: number, onLate?: (answer: Answer) => void): Promise<Answer | null>
  /** Ends the child and its browser, by force after a few seconds; nothing of them is left when it resolves. */
  end(): Promise<void>
}

const MOST_ASKED = 100
const END_MS = 4000

export function startSession({ place, pairing, onReport, onEnd }: SessionOptions): Session {
  const child = place.start()
  const asked = new Map<number, (answer: Answer | null) => void>()
  let count = 0
  let ending: Promise<void> | null = null
  listen(child.stream, value => {
    const report = reportIn(value)
    if (report?.report === 'answer') asked.get(report.id)?.(report.answer)
    else if (report !== null) onReport(report)
  })
  say(child.stream, { order: 'open', pairing })
  const gone = child.ended.then(why => {
    for (const answer of asked.values()) answer(null)
    asked.clear()
    onEnd(why, child.isUnreached())
  })

  async function end(): Promise<void> {
    say(child.stream, { order: 'close' })
    const timer = setTimeout(() => child.cut(), END_MS)
    await gone
    clearTimeout(timer)
    await child.sweep()
  }

  return {
    ask(question, withinMs, onLate) {
      if (asked.size >= MOST_ASKED || ending !== null) return Promise.resolve(null)
      count += 1
      const id = count
      return new Promise(resolve => {
        let isLate = false
        const timer = setTimeout(() => {
          isLate = true
          if (onLate === undefined) asked.delete(id)
          resolve(null)
        }, withinMs)
        asked.set(id, answer => {
          asked.delete(id)
          clearTimeout(timer)
          if (isLate && answer !== null) onLate?.(answer)
          resolve(answer)
        })
        say(child.stream, { ...question, id })
      })
    },
    end() {
      ending ??= end()
      return ending
    },
  }
}
