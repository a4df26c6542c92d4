import { actorOf } from '../entry.ts'
import type { Found } from './deeds.ts'
import type { Effect } from './effect.ts'
import type { Command } from './memory.ts'

/*
 * heald was ended while a command ran. What it led to is read from the entries that came after `command.started`
 * (`effect.ts`): nothing is ever done again, and what is not known is said to be so.
 */

const ENDS: { readonly [kind: string]: string } = {
  'switch.committed': 'the switch was committed',
  'switch.failed': 'the switch failed',
  'rollback.verified': 'it was led back',
  'rollback.held': 'the target is held',
}

/** What became of it; null: its doing is still under way. `isMoving`: whether a target is being switched. Pure. */
export function foundOf(command: Command, isMoving: (target: string) => boolean): Found | null {
  const { verb, effects } = command
  switch (verb) {
    case 'rollback':
    case 'deploy':
      return ofSwitch(command, isMoving)
    case 'restart':
      return ofRestart(effects)
    case 'stop':
      return effects.length > 0 ? good('it was stopped') : unknown
    case 'start':
      return effects.some(({ kind }) => kind !== 'service.held') ? good('it was started') : nothing
    case 'unlock':
      // Its own success is all that it does.
      return nothing
    default:
      return effects.length > 0 ? good('it had been done') : nothing
  }
}

/** A process is signalled before the entry that says so can be written. */
const unknown: Found = { isGood: false, why: 'how far it had come is not known: see the service' }
const nothing: Found = { isGood: false, why: 'nothing had been done yet, and nothing was done since' }

function good(why: string): Found {
  return { isGood: true, why }
}

function ofSwitch({ verb, by, args, effects }: Command, isMoving: (target: string) => boolean): Found | null {
  const first = verb === 'deploy' ? 'switch.armed' : 'rollback.started'
  const begun = effects.findIndex(({ kind, actor }) => kind === first && actor === actorOf(by))
  if (begun < 0) return nothing
  const end = effects.slice(begun).find(({ kind }) => Object.hasOwn(ENDS, kind))
  if (end !== undefined) {
    const isGood = end.kind === (verb === 'deploy' ? 'switch.committed' : 'rollback.verified')
    return { isGood, why: `${ENDS[end.kind]} (#${end.seq})${end.why === '' ? '' : `: ${end.why}`}` }
  }
  if (isMoving(String(args.target))) return null
  return { isGood: false, why: 'it had begun, and how it ended is not known: see the target' }
}

function ofRestart(effects: readonly Effect[]): Found {
  const stopped = effects.findIndex(({ kind }) => kind === 'service.stopped')
  if (effects.slice(stopped + 1).some(({ kind }) => kind === 'service.started')) return good('it was started anew')
  return stopped < 0 ? unknown : { isGood: false, why: 'it was stopped and not started again' }
}
