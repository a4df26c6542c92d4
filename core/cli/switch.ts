/**
 * Life of an order to switch
 *
 * 1. The ledger's size is asked for, so that every step from here on can be shown, and none from before.
 * 2. The order goes to the daemon, whose answer comes at the end of the switch. Meanwhile the steps are shown as they
 *    become durable (`switch-steps.ts`).
 * 3. Where the switch restarts the daemon, the next one is asked (`switch-next.ts`).
 * 4. The switch belongs to the daemon: Ctrl-C, a lost connection or an end of this process change nothing about it, and
 *    that is said.
 */
import type { Switched } from '../api/switch-control.ts'
import { codeOf, Fault } from '../fault.ts'
import { spanOf } from '../incident/measure.ts'
import { oneWord, twoWords } from './arguments.ts'
import { askStatus, orderFor, SWITCH_TIMEOUT_MS } from './ask.ts'
import { paint } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { endInNext, type Interrupted, NO_HEALD_MS } from './switch-next.ts'
import { showSteps } from './switch-steps.ts'
import { cleanLine, wrapLines } from './text.ts'

type Verb = 'deploy' | 'rollback'

/** `heald deploy TARGET REF` */
export const deploy = {
  run(context: Context, words: readonly string[], values: Values): Promise<number> {
    const [target, ref] = twoWords(words, 'deploy', 'TARGET REF')
    return carryOut(context, 'deploy', target, {
      ref,
      force: values.force === true,
      unchecked: values.unchecked === true,
    })
  },
}

/** `heald rollback TARGET` */
export const rollback = {
  run(context: Context, words: readonly string[], values: Values): Promise<number> {
    const [, given, ...rest] = words
    const isNamed = given !== undefined && values.to === undefined
    const target = oneWord(isNamed ? [...words.slice(0, 1), ...rest] : words, 'rollback', 'TARGET')
    const ref = isNamed ? given : values.to
    const to = typeof ref === 'string' ? { to: ref } : {}
    return carryOut(context, 'rollback', target, { ...to, dryRun: values['dry-run'] === true })
  },
}

async function carryOut(context: Context, verb: Verb, target: string, body: object): Promise<number> {
  const startedMs = performance.now()
  const before = await askStatus(context)
  const steps = context.json ? undefined : showSteps(context, target, before)
  let done: Switched
  try {
    done = (await orderFor(context, 'targets', target, verb, body)) as Switched
    await steps?.finish()
  } catch (error) {
    const shown = (await steps?.stop()) ?? before.ledger.size
    done = await inNext(
      context,
      { verb, target, before, shown, startedMs, deadlineMs: SWITCH_TIMEOUT_MS, noHealdMs: NO_HEALD_MS },
      error,
    )
  } finally {
    await steps?.stop()
  }
  const isDone = wentWell(verb, done)
  const line = wrapLines(endText(verb, done), context.columns)
  context.out(context.json ? `${JSON.stringify(done)}\n` : `${paint(line, isDone ? 'green' : 'red', context.colour)}\n`)
  return isDone ? EXIT.done : EXIT.bad
}

/** heald itself ended before it could answer: the next one goes on. Not when nobody listened: then there is no switch. */
function isCutOff(error: unknown): boolean {
  if (!(error instanceof Fault)) return false
  return error.code === 'daemon.stopping' || (error.code === 'daemon.unreachable' && error.retry !== 'no')
}

/** The end of an order that was cut off; any other error is this process's own. */
async function inNext(context: Context, order: Interrupted, error: unknown): Promise<Switched> {
  const { verb, target } = order
  if (!isCutOff(error)) throw goesOn(error, verb, target)
  try {
    return await endInNext(context, order)
  } catch (caught) {
    throw goesOn(caught, verb, target)
  }
}

/** A rollback that was ordered has reached what it was to reach; after a deploy it is the bad end. */
function wentWell(verb: Verb, { outcome }: Switched): boolean {
  if (outcome === 'rolled back') return verb === 'rollback'
  return outcome === 'committed' || outcome === 'nothing to do' || outcome === 'planned'
}

/** One sentence, clean, about how it ended. */
function endText(verb: Verb, { target, outcome, from, to, current, why, tookMs }: Switched): string {
  const runs = current?.generation ?? 'nothing whole'
  const because = why === null || why === '' ? '' : `: ${why}`
  const took = `after ${spanOf(tookMs)}`
  const text = {
    committed: `${target} is on ${runs} now, known to be good, ${took}${because}`,
    'rolled back':
      verb === 'rollback'
        ? `${target} was led back to ${runs}, ${took}${because}`
        : `${target} was rolled back to ${runs}, ${took}${because}`,
    failed: `the switch of ${target}${to === null ? '' : ` to ${to.generation}`} failed, ${took}${because}; ${runs} runs`,
    held: `${target} is held with ${runs}, ${took}${because}. Nothing is changed there automatically any more`,
    'nothing to do': `nothing to do: ${target} is on ${runs} already${because}`,
    planned: `${target} would be led from ${from?.generation ?? 'nothing whole'} to ${to === null ? 'nothing' : `${to.generation} (${to.path})`}; nothing was changed${because}`,
  }[outcome]
  return cleanLine(text ?? `${target}: ${outcome}${because}`)
}

/** What ended is this process's part only: the same error, with how to look at the switch. */
function goesOn(error: unknown, verb: Verb, target: string): unknown {
  const code = codeOf(error)
  const undo = verb === 'deploy' ? `; "heald rollback ${target}" leads back` : ''
  const hint = `"heald status --watch" shows how it goes${undo}`
  if (code === 'interrupted')
    return new Fault(code, `interrupted here only: heald goes on with the switch of ${target}`, { hint, cause: error })
  if (!(error instanceof Fault)) return error
  if (code !== 'daemon.timeout' && !isCutOff(error)) return error
  return new Fault(code, `${error.message}; what has begun of the switch of ${target} goes on as soon as heald runs`, {
    hint,
    retry: error.retry,
    cause: error,
  })
}
