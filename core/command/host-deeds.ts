import type { ServiceStatus } from '../api/control.ts'
import type { NoticeControl } from '../api/notice-control.ts'
import type { Standing, SwitchControl, Switched, TargetStatus } from '../api/switch-control.ts'
import type { PeopleSpec } from '../config/people-spec.ts'
import { actorOf, type Draft } from '../entry.ts'
import { Fault } from '../fault.ts'
import { unknownService } from '../heal/unknown-service.ts'
import { findIncident, type Incident, type Incidents } from '../incident/fold.ts'
import { unknownIncident } from '../incident/mark.ts'
import type { NoticeMemory } from '../notice/memory.ts'
import type { Deeds, Done } from './deeds.ts'
import { json } from './drafts.ts'
import { foundOf } from './found.ts'
import type { Command, CommandMemory } from './memory.ts'
import type { Args, Projection } from './port.ts'
import type { Verb } from './words.ts'

export interface HostDeedsOptions {
  readonly memory: CommandMemory
  readonly incidents: Incidents
  readonly notices: NoticeMemory
  readonly people: () => PeopleSpec
  readonly services: () => readonly ServiceStatus[]
  readonly targets: () => readonly TargetStatus[]
  /** Whether a service that there is, is to run. */
  readonly isWanted: (service: string) => boolean
  readonly act: (verb: 'start' | 'stop' | 'restart', service: string, by: string) => Promise<object>
  readonly mark: (verb: 'ack' | 'resolve', incident: string, by: string) => Promise<Incident>
  readonly switches: Pick<SwitchControl, 'deploy' | 'rollback'>
  readonly silences: Pick<NoticeControl, 'silence' | 'unsilence' | 'checkSilence'>
  readonly append: (draft: Draft) => Promise<unknown>
}

type Facts = Projection['facts']

/** What orders do on this host. */
export function createHostDeeds(options: HostDeedsOptions): Deeds {
  const { memory, incidents, switches, silences } = options

  function isMoving(target: string): boolean {
    const state = options.targets().find(({ name }) => name === target)?.state ?? 'idle'
    return state !== 'idle' && state !== 'held'
  }

  /** Only what decides. */
  async function switchFacts(plan: Promise<Switched>): Promise<Facts> {
    const { target, standing, to } = await plan
    const { current = null, state = 'idle' } = standing ?? {}
    return { target, current: json(current), to: json(to), state, frozen: memory.frozen !== null }
  }

  function serviceFacts(name: string): Facts {
    const found = options.services().find(each => each.name === name)
    if (found === undefined) throw unknownService(name)
    return { service: name, state: wishFor(found), generation: found.generation }
  }

  /** In a crash loop, and while it is started anew, all else changes from moment to moment. */
  function wishFor({ name, state }: ServiceStatus): 'held' | 'wanted' | 'stopped' {
    if (state === 'held') return state
    return options.isWanted(name) ? 'wanted' : 'stopped'
  }

  async function facts(verb: Verb, args: Args): Promise<Facts | null> {
    const name = (key: string) => String(args[key] ?? '')
    switch (verb) {
      case 'rollback': {
        const to = typeof args.to === 'string' ? args.to : null
        return switchFacts(switches.rollback(name('target'), { to, dryRun: true }, 'heald'))
      }
      case 'deploy':
        return switchFacts(switches.deploy(name('target'), { ...deployOrder(args), dryRun: true }, 'heald'))
      case 'start':
      case 'restart':
      case 'stop':
        return serviceFacts(name('service'))
      case 'ack':
      case 'resolve':
        if (findIncident(incidents, name('id')) === undefined) throw unknownIncident(name('id'))
        return null
      case 'silence':
        await silences.checkSilence({ service: name('service'), for: name('for'), why: name('why') })
        return null
      case 'unsilence':
        if (options.notices.silences.has(name('id'))) return null
        throw new Fault('silence.unknown', `there is no silence ${JSON.stringify(name('id').slice(0, 100))}`, {
          hint: '"heald silences" lists those that stand',
        })
      case 'freeze':
        return null
      case 'unfreeze':
        return { frozen: memory.frozen?.seq ?? null }
      case 'unlock': {
        const known = options.people().operators.some(({ id }) => id === args.operator)
        if (known || memory.codes.has(name('operator'))) return null
        throw new Fault('operator.unknown', `there is no operator ${JSON.stringify(name('operator').slice(0, 100))}`)
      }
    }
  }

  async function perform({ id, verb, args, by, seen }: Command): Promise<Done> {
    const name = (key: string) => String(args[key] ?? '')
    const to = pathIn(seen)
    switch (verb) {
      case 'rollback': {
        const order = { to, dryRun: args['dry-run'] === true, seen: standingIn(seen) }
        return switched(verb, await switches.rollback(name('target'), order, by))
      }
      case 'deploy': {
        const order = { ...deployOrder(args), ...(to === null ? {} : { ref: to }), seen: standingIn(seen) }
        return switched(verb, await switches.deploy(name('target'), order, by))
      }
      case 'start':
      case 'restart':
      case 'stop':
        return done(await options.act(verb, name('service'), by))
      case 'ack':
      case 'resolve': {
        const incident = await options.mark(verb, name('id'), by)
        return { ...done(incident), result: { state: incident.state } }
      }
      case 'silence': {
        const made = await silences.silence({ service: name('service'), for: name('for'), why: name('why') }, by)
        return { ...done(made), result: { id: made.id, untilTs: made.untilTs } }
      }
      case 'unsilence': {
        const over = await silences.unsilence(name('id'), by)
        return { ...done(over), result: { id: over.id } }
      }
      case 'freeze':
      case 'unfreeze':
        return freeze(verb, { id, by, why: name('why') })
      case 'unlock':
        return done({ operator: name('operator') })
    }
  }

  async function freeze(
    verb: 'freeze' | 'unfreeze',
    { id, by, why }: { id: string; by: string; why: string },
  ): Promise<Done> {
    const isOn = verb === 'freeze'
    const already = (memory.frozen !== null) === isOn
    if (!already)
      await options.append({ kind: isOn ? 'freeze.on' : 'freeze.off', actor: actorOf(by), data: { id, by, why } })
    return done({ frozen: isOn, ...(already ? { already } : {}) })
  }

  return {
    facts,
    perform,
    found: command => foundOf(command, isMoving),
  }
}

function deployOrder(args: Args) {
  return { ref: String(args.ref ?? ''), force: args.force === true, unchecked: args.unchecked === true }
}

/** The path that the order was asked for: exactly there it leads, whatever came meanwhile. */
function pathIn(seen: Projection | null): string | null {
  const to = seen?.facts.to
  return typeof to === 'object' && to !== null && 'path' in to && typeof to.path === 'string' ? to.path : null
}

/** How the target stood for whoever asked: the switch itself looks whether it still does. */
function standingIn(seen: Projection | null): Standing | null {
  if (seen === null) return null
  const { state, current } = seen.facts
  return { state, current } as unknown as Standing
}

function done(raw: object): Done {
  return { raw, isGood: true, why: null, result: json(raw) }
}

/** Of a rollback being led back is the good end, of a deploy the bad one. */
function switched(verb: 'deploy' | 'rollback', raw: Switched): Done {
  const { outcome, from, to, current, why, tookMs } = raw
  const isGood =
    outcome === 'rolled back' ? verb === 'rollback' : outcome === 'committed' || outcome === 'nothing to do'
  const result = { outcome, from: json(from), to: json(to), current: json(current), tookMs }
  return { raw, isGood, why: isGood ? null : (why ?? outcome), result }
}
