import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Deeds } from '../../../core/command/deeds.ts'
import { foundOf } from '../../../core/command/found.ts'
import type { Command } from '../../../core/command/memory.ts'
import { lineOf } from '../../../core/command/parse.ts'
import type { Args } from '../../../core/command/port.ts'
import { projectionOf } from '../../../core/command/projection.ts'
import type { Verb } from '../../../core/command/words.ts'
import type { Draft } from '../../../core/entry.ts'
import { Fault } from '../../../core/fault.ts'
import type { Stand } from './stand.ts'

/** What orders do in the world of a stand: one target, one service. Nothing goes on in a daemon that was killed. */
export function deedsOf(stand: Stand, append: (draft: Draft) => Promise<unknown>, isAlive: () => boolean): Deeds {
  const { world } = stand
  const ref = (name: string) => ({ generation: name, path: `/srv/app/releases/${name}` })

  async function alive(): Promise<void> {
    await nextTurn()
    if (!isAlive()) await new Promise(() => {})
    if (stand.hold !== null) await stand.hold
    if (!isAlive()) await new Promise(() => {})
  }

  function facts(verb: Verb, args: Args) {
    const frozen = stand.folded().commands.frozen !== null
    switch (verb) {
      case 'rollback': {
        if (args.target !== 'app') throw new Fault('target.unknown', `there is no target ${args.target}`)
        const to = args.to ?? world.previous[0]
        if (to === undefined) throw new Fault('switch.no-way-back', 'no other generation is known to be good')
        return { target: 'app', current: ref(world.current), to: ref(String(to)), state: 'idle', frozen }
      }
      case 'deploy':
        if (args.target !== 'app') throw new Fault('target.unknown', `there is no target ${args.target}`)
        return { target: 'app', current: ref(world.current), to: ref(String(args.ref)), state: 'idle', frozen }
      case 'restart':
      case 'stop':
        if (args.service !== 'agent') throw new Fault('service.unknown', `there is no service ${args.service}`)
        return { service: 'agent', state: world.service }
      case 'unfreeze':
        return { frozen: stand.folded().commands.frozen?.seq ?? null }
      default:
        return null
    }
  }

  async function does({ id, verb, args, by, seen }: Command): Promise<void> {
    const actor = by.startsWith('local:') ? 'local:admin' : by
    if (verb === 'rollback' || verb === 'deploy') {
      if (!isDeepStrictEqual(seen?.facts.current, ref(world.current))) {
        stand.refused.push(id)
        throw new Fault('switch.changed', `not done, since the state has changed: ${world.current} runs`)
      }
      const { path } = (seen?.facts.to ?? { path: '' }) as { path: string }
      const data = { target: 'app', to: ref(path.split('/').at(-1) ?? '') }
      await append({
        kind: verb === 'deploy' ? 'switch.armed' : 'rollback.started',
        actor,
        data: { ...data, cause: 'operator' },
      })
      await alive()
      world.previous = [world.current, ...world.previous].slice(0, 3)
      world.current = path.split('/').at(-1) ?? ''
      await append({ kind: verb === 'deploy' ? 'switch.committed' : 'rollback.verified', data })
    } else if (verb === 'stop' || verb === 'restart') {
      world.service = 'stopped'
      await append({ kind: 'service.stopped', svc: 'agent', data: { by } })
      await alive()
      if (verb === 'stop') return
      world.service = 'running'
      await append({ kind: 'service.started', svc: 'agent', data: { pid: 1 } })
    } else if (verb === 'freeze')
      await append({ kind: 'freeze.on', data: { id: 'f', by, why: String(args.why ?? '') } })
    else if (verb === 'unfreeze') await append({ kind: 'freeze.off', data: { id: 'f', by } })
    else if (verb === 'silence')
      await append({
        kind: 'silence.created',
        data: { id: 'silence-1', by, why: '', untilTs: '2030-01-01T00:00:00.000Z' },
      })
  }

  return {
    async facts(verb, args) {
      await alive()
      const found = facts(verb, args)
      const seen = found === null ? null : projectionOf(found).hash
      stand.looks.push({ line: lineOf(verb, args), hash: seen, size: stand.entries.length })
      return found
    },
    async perform(command) {
      const { id, verb, seen } = command
      stand.performed.push({ id, verb, seen: seen?.hash ?? null })
      await alive()
      await does(command)
      await alive()
      return { raw: { did: verb }, isGood: true, why: null, result: { did: verb } }
    },
    found: command => foundOf(command, () => false),
  }
}
