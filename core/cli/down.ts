import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, Fault } from '../fault.ts'
import { noWords } from './arguments.ts'
import { askStatus, order } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { cleanLine } from './text.ts'

const GONE_WITHIN_MS = 15_000
const LOOK_EVERY_MS = 50

/** `heald down`: returns once services *and* daemon are gone, so that `heald down && heald up` works. */
export async function run(context: Context, words: readonly string[]): Promise<number> {
  noWords(words, 'down')
  const { stopped } = (await order(context, '/v1/down')) as { readonly stopped: readonly string[] }
  await untilGone(context)
  const names = stopped.length === 0 ? 'no service was running' : `stopped ${cleanLine(stopped.join(', '))}`
  context.out(context.json ? `${JSON.stringify({ stopped })}\n` : `${names}; heald has ended\n`)
  return EXIT.done
}

async function untilGone(context: Context): Promise<void> {
  const deadline = context.nowMs() + GONE_WITHIN_MS
  while (context.nowMs() < deadline) {
    try {
      await askStatus(context)
    } catch (error) {
      if (codeOf(error) === 'daemon.unreachable') return
      if (codeOf(error) !== 'daemon.stopping') throw error
    }
    await sleep(LOOK_EVERY_MS)
  }
  throw new Fault('daemon.timeout', 'the services are down, but heald itself has not ended yet', {
    hint: 'look at its process; it may be waiting for a slow disk',
    retry: 1000,
  })
}
