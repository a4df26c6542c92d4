import { nearest } from '../cli/suggest.ts'
import { checkChannels } from './channel-relations.ts'
import { isRecord, type Path } from './document.ts'
import type { Complaint } from './explain.ts'
import type { HostFacts } from './facts.ts'
import { checkName } from './names.ts'
import { checkNotices } from './notice-relations.ts'
import { checkProbe, msOf } from './probe-relations.ts'
import { kindOf } from './read.ts'
import { checkSwitch, checkTargets } from './target-relations.ts'

/**
 * What concerns several keys at once, and names. Works on the values as written, so that a mistake in one place hides
 * none in another: whatever isn't of the right kind is left to the schema to complain about. `folder` is the file's.
 */
export function checkRelations(value: unknown, facts: HostFacts, folder: string): Complaint[] {
  if (!isRecord(value)) return []
  const complaints: Complaint[] = []
  const { host } = value
  if (typeof host === 'string' && host !== '' && !/^[a-z0-9.-]{1,63}$/.test(host)) {
    const hint = 'use up to 63 small letters, digits, dots and dashes, like web-1'
    complaints.push({ path: ['host'], message: 'is not a usable name', hint, on: 'value' })
  }
  if (isRecord(value.ledger) && Object.hasOwn(value.ledger, 'archive') && !Object.hasOwn(value.ledger, 'keep')) {
    const hint = 'add how long entries are kept here, like keep: 365d; "heald ledger archive" archives at any time'
    complaints.push({ path: ['ledger', 'archive'], message: 'says where, and nothing says when', hint, on: 'key' })
  }
  const services = isRecord(value.services) ? value.services : {}
  const names = Object.keys(services)
  if (names.length > MAX_SERVICES) {
    const message = `has more than ${MAX_SERVICES} services`
    complaints.push({ path: ['services'], message, hint: 'run another heald with its own --state for some', on: 'key' })
  }
  for (const name of names.slice(0, MAX_SERVICES)) {
    const path = ['services', name]
    complaints.push(...checkName(name, path, 'service'))
    const service = services[name]
    if (isRecord(service)) complaints.push(...checkService(service, path, facts))
  }
  // A list, not arguments of a call: a hostile file has more complaints than a stack can hold.
  return [
    ...complaints,
    ...checkDependencies(services),
    ...checkTargets(value, facts, folder),
    ...checkSwitch(value),
    ...checkChannels(value, facts),
    ...checkNotices(value),
  ]
}

const MAX_SERVICES = 2000
const PROBES = ['health', 'startup', 'readiness', 'liveness'] as const

function checkService(service: Readonly<Record<string, unknown>>, path: Path, facts: HostFacts): Complaint[] {
  const complaints: Complaint[] = []
  const at = (...keys: string[]): Path => [...path, ...keys]
  if (!Object.hasOwn(service, 'run') && !Object.hasOwn(service, 'unit')) {
    const hint = 'add the command, like run: [node, agent.js]'
    complaints.push({ path, message: 'has no key "run"', hint, on: 'key' })
  }
  if (Object.hasOwn(service, 'user') && !facts.isRoot) {
    const hint = 'remove the key (the service runs as whoever starts heald), or start heald as root'
    complaints.push({ path: at('user'), message: 'needs heald to run as root', hint, on: 'value' })
  }
  const { limits, restart, env } = service
  for (const limit of ['memory', 'pids'] as const) {
    if (isRecord(limits) && Object.hasOwn(limits, limit) && !facts.canLimit[limit]) {
      const what = limit === 'memory' ? 'memory' : 'the number of processes'
      const hint = 'remove the key, or run heald where it may make control groups (see: heald doctor)'
      complaints.push({
        path: at('limits', limit),
        message: `can't be kept: this host can't limit ${what} for heald`,
        hint,
        on: 'value',
      })
    }
  }
  if (isRecord(env)) for (const [key, value] of Object.entries(env)) complaints.push(...checkVariable(key, value, path))
  const probes = PROBES.filter(key => Object.hasOwn(service, key))
  if (probes.length > 1 && probes[0] === 'health') {
    const message = `stands beside ${probes.slice(1).join(', ')}, and stands for startup and liveness itself`
    complaints.push({
      path: at('health'),
      message,
      hint: 'write either health alone, or startup, readiness and liveness',
      on: 'key',
    })
  }
  for (const key of probes) {
    const probe = service[key]
    if (isRecord(probe))
      complaints.push(...checkProbe(probe, at(key), 'startup, readiness and liveness may each have their own'))
  }
  if (isRecord(restart) && isRecord(restart.backoff)) {
    const { base = '200ms', cap = '30s', first = '0' } = restart.backoff
    const capMs = msOf(cap)
    for (const [key, value] of [
      ['base', base],
      ['first', first],
    ] as const) {
      const ms = msOf(value)
      if (ms !== undefined && capMs !== undefined && ms > capMs) {
        const key_ = Object.hasOwn(restart.backoff, key) ? key : 'cap'
        complaints.push({
          path: at('restart', 'backoff', key_),
          message: `makes ${key} longer than cap`,
          hint: `write ${key} shorter than cap`,
          on: 'value',
        })
      }
    }
  }
  return complaints
}

/** Names the variable, never its value. */
function checkVariable(key: string, value: unknown, service: Path): Complaint[] {
  const path = [...service, 'env', key]
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
    const hint = 'use letters, digits and underscores, the first not a digit, like LOG_LEVEL: info'
    return [{ path, message: 'is not a usable name for a variable', hint, on: 'key' }]
  }
  if (value === null)
    return [{ path, message: 'has no value', hint: 'write "" for an empty one, or remove the key', on: 'key' }]
  if (typeof value !== 'string') {
    return [{ path, message: `must be text, not ${kindOf(value)}`, hint: 'put the value in quotes', on: 'key' }]
  }
  if (value.includes('\0')) return [{ path, message: 'contains a NUL character', hint: 'remove it', on: 'key' }]
  return []
}

/** Every name in `dependsOn` is a service, and nothing waits for itself. */
function checkDependencies(services: Readonly<Record<string, unknown>>): Complaint[] {
  const complaints: Complaint[] = []
  const names = Object.keys(services)
  const edges = new Map<string, { readonly to: string; readonly index: number }[]>()
  for (const name of names) {
    const service = services[name]
    const list = isRecord(service) ? service.dependsOn : undefined
    if (!Array.isArray(list)) continue
    const known: { to: string; index: number }[] = []
    for (const [index, to] of list.entries()) {
      if (typeof to !== 'string' || to === '') continue
      if (Object.hasOwn(services, to)) known.push({ to, index })
      else {
        const near = nearest(
          to,
          names.filter(other => other !== name),
        )
        const hint = near === undefined ? 'write the name of a service of this file' : `did you mean "${near}"?`
        complaints.push({
          path: ['services', name, 'dependsOn', index],
          message: 'is not a service of this file',
          hint,
          on: 'value',
        })
      }
    }
    edges.set(name, known)
  }
  const state = new Map<string, 'open' | 'done'>()
  const trail: string[] = []
  const visit = (name: string): void => {
    state.set(name, 'open')
    trail.push(name)
    for (const { to, index } of edges.get(name) ?? []) {
      if (state.get(to) === 'open') {
        const cycle = [...trail.slice(trail.indexOf(to)), to].join(' → ')
        const path = ['services', name, 'dependsOn', index]
        complaints.push({
          path,
          message: `closes a circle: ${cycle}`,
          hint: 'remove one of these dependencies',
          on: 'value',
        })
      } else if (state.get(to) === undefined) visit(to)
    }
    trail.pop()
    state.set(name, 'done')
  }
  for (const name of names.slice(0, MAX_SERVICES)) if (state.get(name) === undefined) visit(name)
  return complaints
}
