import { nearest } from '../cli/suggest.ts'
import { BOT } from './bot-name.ts'
import { isRecord, type Path } from './document.ts'
import type { Complaint } from './explain.ts'
import { exampleAt } from './keys.ts'
import { checkZone } from './leaves.ts'
import { momentMs, parseMoment } from './moment.ts'
import { isUsableName } from './names.ts'
import { type ChannelKind, channelsIn, MAX_ESCALATION, MAX_MAINTENANCE, MAX_ROUTES } from './notices.ts'
import { msOf } from './probe-relations.ts'

type Written = Readonly<Record<string, unknown>>

/** What concerns several keys of routes, escalation and maintenance; on the values as written. */
export function checkNotices(file: Written): Complaint[] {
  const places = placesOf(file)
  return [
    ...checkEach(file, 'routes', MAX_ROUTES, (route, path) => [
      ...checkTo(route, path, places, 'route'),
      ...checkMatch(route.match, [...path, 'match'], file),
    ]),
    ...checkReached(file.routes),
    ...checkEach(file, 'escalation', MAX_ESCALATION, (step, path) => checkTo(step, path, places, 'step')),
    ...checkOrder(file.escalation),
    ...checkEach(file, 'maintenance', MAX_MAINTENANCE, (window, path) => [
      ...checkWindow(window, path, zoneOf(file)),
      ...checkMatch(window.match, [...path, 'match'], file),
    ]),
  ]
}

/** The zone that moments without one are in; undefined when nobody can tell. */
export function zoneOf({ tz = 'UTC' }: Written): string | undefined {
  const zone = checkZone(tz)
  return 'value' in zone ? zone.value : undefined
}

/** The channels that can be named; undefined where what is written as channels is none, so that nobody can tell. */
function placesOf(file: Written): readonly ChannelKind[] | undefined {
  return Object.hasOwn(file, 'channels') && !isRecord(file.channels) ? undefined : channelsIn(file)
}

function checkEach(
  file: Written,
  key: 'routes' | 'escalation' | 'maintenance',
  most: number,
  check: (item: Written, path: Path) => Complaint[],
): Complaint[] {
  const list = file[key]
  if (!Array.isArray(list)) return []
  const hint = 'join those that say the same'
  const many: Complaint[] =
    list.length > most ? [{ path: [key], message: `has more than ${most} entries`, hint, on: 'key' }] : []
  const each = list.slice(0, most).flatMap((item, index) => (isRecord(item) ? check(item, [key, index]) : []))
  return [...many, ...each]
}

function checkTo(
  written: Written,
  path: Path,
  places: readonly ChannelKind[] | undefined,
  what: 'route' | 'step',
): Complaint[] {
  if (!Object.hasOwn(written, 'to')) {
    const hint = `add the channels, like ${exampleAt(path)}`
    return [{ path, message: 'has no key "to"', hint, on: 'value' }]
  }
  const at: Path = [...path, 'to']
  const list: readonly unknown[] = Array.isArray(written.to) ? written.to : [written.to]
  if (list.length === 0 && what === 'step') {
    return [{ path: at, message: 'calls nobody', hint: 'write the channels, like [telegram, slack]', on: 'value' }]
  }
  const complaints = list.flatMap((name, index): Complaint[] => {
    if (typeof name !== 'string' || name === '' || places === undefined || places.some(known => known === name)) {
      return []
    }
    const near = nearest(name, places)
    const add = `add it, like ${exampleAt(['channels'])}`
    const other = places.length === 0 ? add : `write one of ${places.join(', ')}`
    const hint = near === undefined ? other : `did you mean "${near}"?`
    const place = Array.isArray(written.to) ? [...at, index] : at
    return [{ path: place, message: 'is not a channel of this file', hint, on: 'value' }]
  })
  if (complaints.length === 0 && list.length > 0 && list.every(name => name === 'whatsapp')) {
    const hint = 'add another channel: a number can be banned from WhatsApp, and then nothing would arrive'
    complaints.push({ path: at, message: `makes whatsapp the only channel of this ${what}`, hint, on: 'value' })
  }
  return complaints
}

/** A name without * is one of a service that there is. */
function checkMatch(match: unknown, path: Path, { services }: Written): Complaint[] {
  if (!isRecord(match) || (services !== undefined && !isRecord(services))) return []
  const isList = Array.isArray(match.service)
  const list: readonly unknown[] = Array.isArray(match.service) ? match.service : [match.service]
  const names = Object.keys(services ?? {})
  return list.slice(0, MAX_ROUTES).flatMap((name, index): Complaint[] => {
    if (typeof name !== 'string' || name === '' || !/^[a-z0-9-]{1,63}$/.test(name)) return []
    if (name === BOT || names.includes(name)) return []
    const near = nearest(name, names.filter(isUsableName))
    const hint = near === undefined ? 'write the name of a service, or one with *' : `did you mean "${near}"?`
    const place = isList ? [...path, 'service', index] : [...path, 'service']
    return [{ path: place, message: 'is not a service of this file', hint, on: 'value' }]
  })
}

/** The first route that fits decides, so what stands behind one that takes all is never asked. */
function checkReached(routes: unknown): Complaint[] {
  if (!Array.isArray(routes)) return []
  const takesAll = routes.slice(0, MAX_ROUTES).findIndex(route => {
    if (!isRecord(route)) return false
    return route.match === undefined || (isRecord(route.match) && Object.keys(route.match).length === 0)
  })
  if (takesAll < 0 || takesAll + 1 >= routes.length) return []
  const hint = 'move it up: the first route that fits decides, and the one before fits all'
  return [{ path: ['routes', takesAll + 1], message: 'is never reached', hint, on: 'value' }]
}

/** Steps are counted through the chain, so a later one can't come first. */
function checkOrder(escalation: unknown): Complaint[] {
  if (!Array.isArray(escalation)) return []
  const times = escalation.slice(0, MAX_ESCALATION).map(step => (isRecord(step) ? msOf(step.after) : undefined))
  return times.flatMap((ms, index): Complaint[] => {
    const step: unknown = escalation[index]
    if (isRecord(step) && !Object.hasOwn(step, 'after')) {
      const hint = 'add how long after the start of an incident, like after: 5m'
      return [{ path: ['escalation', index], message: 'has no key "after"', hint, on: 'value' }]
    }
    const before = times[index - 1]
    if (ms === undefined || before === undefined || ms > before) return []
    const hint = 'put the steps in order; each is counted from the start of the incident'
    return [{ path: ['escalation', index, 'after'], message: 'is not later than the step before', hint, on: 'value' }]
  })
}

/** Once (`from`, `to`) or again and again (`cron`, `for`), with all that it takes. */
function checkWindow(window: Written, path: Path, tz: string | undefined): Complaint[] {
  const has = (key: string) => Object.hasOwn(window, key)
  const once = ['from', 'to'].filter(has)
  const again = ['cron', 'for'].filter(has)
  const hint = `write from and to, or cron and for, like ${exampleAt(path)}`
  if (once.length > 0 && again.length > 0) {
    const message = `stands beside ${once.join(' and ')}`
    return again.map(key => ({ path: [...path, key], message, hint, on: 'key' as const }))
  }
  if (once.length + again.length === 0) return [{ path, message: 'does not say when', hint, on: 'value' }]
  if (once.length + again.length < 2) {
    const missing = { from: 'to', to: 'from', cron: 'for', for: 'cron' }[String([...once, ...again][0])]
    return [{ path, message: `has no key "${missing}"`, hint, on: 'value' }]
  }
  const [from, to] = [parseMoment(window.from), parseMoment(window.to)]
  if (tz === undefined || !('value' in from) || !('value' in to)) return []
  if (momentMs(to.value, tz) > momentMs(from.value, tz)) return []
  return [{ path: [...path, 'to'], message: 'is not after from', hint: 'write when it ends', on: 'value' }]
}
