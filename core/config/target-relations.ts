import { nearest } from '../cli/suggest.ts'
import { isRecord, type Path } from './document.ts'
import { exactDuration } from './duration.ts'
import type { Complaint } from './explain.ts'
import type { HostFacts } from './facts.ts'
import { exampleAt } from './keys.ts'
import { checkUser } from './leaves.ts'
import { checkName, isUsableName } from './names.ts'
import { checkProbe, msOf } from './probe-relations.ts'
import { readInteger } from './read.ts'
import {
  DEFAULT_ACTIVATION_MS,
  DEFAULT_PER_DAY,
  DEFAULT_PROBATION_MS,
  LEAST_ACTIVATION_MS,
  LEAST_PROBATION_MS,
  leastDeadManMs,
  MAX_CHECKS,
  MAX_TARGETS,
  MOST_A_DAY,
  MOST_ACTIVATION_MS,
  MOST_PROBATION_MS,
  PROBATION_LONGER_MS,
  placeKey,
  placeOf,
  SYSTEM_PROFILE,
  TARGET_KINDS,
  type TargetKind,
} from './targets.ts'

type Written = Readonly<Record<string, unknown>>

/** What concerns several keys of the targets, and the services that name one; on the values as written. */
export function checkTargets(file: Written, facts: HostFacts, folder: string): Complaint[] {
  const services = isRecord(file.services) ? file.services : {}
  // Whether a service's target is there can't be told from what is no map.
  if (Object.hasOwn(file, 'targets') && !isRecord(file.targets)) return []
  const targets = isRecord(file.targets) ? file.targets : {}
  const names = Object.keys(targets)
  const complaints: Complaint[] = []
  if (names.length > MAX_TARGETS) {
    const hint = 'remove those that no service names, or run another heald with its own --state for some'
    complaints.push({ path: ['targets'], message: `has more than ${MAX_TARGETS} targets`, hint, on: 'key' })
  }
  const takenBy = new Map<string, string>()
  const members = membersOf(services)
  for (const name of names.slice(0, MAX_TARGETS)) {
    const path = ['targets', name]
    complaints.push(...checkName(name, path, 'target'))
    const target = targets[name]
    if (!isRecord(target)) continue
    complaints.push(...checkAnyKind(target, path))
    const kind = TARGET_KINDS.find(known => known === target.kind)
    if (kind === undefined) continue
    complaints.push(...checkKeysOfKind(target, kind, path), ...checkPlace(target, kind, path, folder, takenBy))
    if (kind === 'releases') complaints.push(...checkUsers(target, path, facts, members.get(name) ?? []))
  }
  for (const [name, service] of Object.entries(services)) {
    const wanted = isRecord(service) ? service.target : undefined
    if (typeof wanted !== 'string' || wanted === '' || Object.hasOwn(targets, wanted)) continue
    const near = nearest(wanted, names.slice(0, MAX_TARGETS).filter(isUsableName))
    const other =
      names.length === 0 ? `add it, like ${exampleAt(['targets'])}` : 'write the name of a target of this file'
    const hint = near === undefined ? other : `did you mean "${near}"?`
    complaints.push({ path: ['services', name, 'target'], message: 'is not a target of this file', hint, on: 'value' })
  }
  return complaints
}

function checkAnyKind(target: Written, path: Path): Complaint[] {
  const complaints: Complaint[] = []
  if (!Object.hasOwn(target, 'kind')) {
    const hint = `add one of ${TARGET_KINDS.join(', ')}, like kind: releases`
    complaints.push({ path, message: 'has no key "kind"', hint, on: 'key' })
  }
  const { checks } = target
  if (!Array.isArray(checks)) return complaints
  if (checks.length > MAX_CHECKS) {
    const hint = 'keep those that tell a good generation from a bad one'
    complaints.push({ path: [...path, 'checks'], message: `has more than ${MAX_CHECKS} checks`, hint, on: 'key' })
  }
  for (const [index, check] of checks.slice(0, MAX_CHECKS).entries()) {
    if (!isRecord(check)) continue
    complaints.push(...checkProbe(check, [...path, 'checks', index], 'write the other as a check of its own'))
  }
  return complaints
}

const ONLY_NIXOS = 'remove it; only a target of kind nixos has what runs apart from its profile'
const AS_HEALD = 'remove it; what Nix made is switched as whoever runs heald'

/** Keys that other kinds have, and what to do about them. */
const ELSEWHERE = {
  releases: { profile: 'write path, like path: /srv/app', running: ONLY_NIXOS },
  'nix-profile': {
    path: 'write profile, like profile: /nix/var/nix/profiles/app',
    running: ONLY_NIXOS,
    user: AS_HEALD,
  },
  nixos: {
    path: `write profile, or neither for ${SYSTEM_PROFILE}`,
    activate: 'remove it; a system is activated by its own switch-to-configuration',
    user: AS_HEALD,
  },
} satisfies Record<TargetKind, Record<string, string>>

function checkKeysOfKind(target: Written, kind: TargetKind, path: Path): Complaint[] {
  const place = placeKey(kind)
  return Object.entries(ELSEWHERE[kind]).flatMap(([key, instead]): Complaint[] => {
    if (!Object.hasOwn(target, key)) return []
    const isSecondPlace = (key === 'path' || key === 'profile') && Object.hasOwn(target, place)
    const hint = isSecondPlace ? `remove it; the target has a ${place}` : instead
    return [{ path: [...path, key], message: `does not belong to a target of kind ${kind}`, hint, on: 'key' }]
  })
}

/** Where it is, and that no other is there. `takenBy` has the places of the targets before. */
function checkPlace(
  target: Written,
  kind: TargetKind,
  path: Path,
  folder: string,
  takenBy: Map<string, string>,
): Complaint[] {
  const key = placeKey(kind)
  const name = String(path.at(-1))
  const example = exampleOf(kind)
  const isWritten = Object.hasOwn(target, key)
  if (!isWritten) {
    // Written under the other kind's key: that is what is complained of.
    if (Object.hasOwn(target, key === 'path' ? 'profile' : 'path')) return []
    if (kind !== 'nixos') {
      const what = kind === 'releases' ? 'the folder of its releases' : 'the link of the profile'
      return [{ path, message: `has no key "${key}"`, hint: `add ${what}, like ${key}: ${example}`, on: 'key' }]
    }
  }
  const complaints = [key, ...(kind === 'nixos' ? ['running'] : [])].flatMap((each): Complaint[] => {
    const written = target[each]
    if (typeof written !== 'string' || !written.split('/').includes('..')) return []
    const hint = 'write the path that is meant; behind a link ".." leads elsewhere'
    return [{ path: [...path, each], message: 'has a ".." in it', hint, on: 'value' }]
  })
  const place = placeOf(kind, target, folder)
  if (place === undefined || complaints.length > 0) return complaints
  const at = isWritten ? [...path, key] : path
  if (place === '/') return [{ path: at, message: 'is the root folder', hint: `write ${example}`, on: 'value' }]
  const other = takenBy.get(place)
  if (other === undefined) {
    takenBy.set(place, isUsableName(name) ? name : '…')
    return []
  }
  const message = isWritten ? `is the place of target "${other}" already` : `has the profile of target "${other}"`
  const hint = 'keep one of the two; several services may name the same target'
  return [{ path: at, message, hint, on: isWritten ? 'value' : 'key' }]
}

function exampleOf(kind: TargetKind): string {
  if (kind === 'releases') return '/srv/app'
  return kind === 'nixos' ? SYSTEM_PROFILE : '/nix/var/nix/profiles/app'
}

interface Member {
  readonly service: string
  /** Left out: whoever runs heald. */
  readonly user?: string
}

/** The services of each target, of those whose user can be told. */
function membersOf(services: Written): Map<string, Member[]> {
  const members = new Map<string, Member[]>()
  for (const [service, written] of Object.entries(services)) {
    if (!isRecord(written) || typeof written.target !== 'string' || !isUsableName(service)) continue
    const list = members.get(written.target) ?? []
    members.set(written.target, list)
    const read = checkUser(written.user)
    if ('value' in read) list.push({ service, user: read.value })
    else if (!Object.hasOwn(written, 'user')) list.push({ service })
  }
  return members
}

/** A command in a release has the rights of one user. Whose, must not be a guess. */
function checkUsers(target: Written, path: Path, facts: HostFacts, members: readonly Member[]): Complaint[] {
  if (Object.hasOwn(target, 'user')) {
    if (facts.isRoot) return []
    const hint = 'remove the key (its command runs as whoever starts heald), or start heald as root'
    return [{ path: [...path, 'user'], message: 'needs heald to run as root', hint, on: 'value' }]
  }
  const [first, ...others] = members
  const other = others.find(({ user }) => user !== first?.user)
  if (first === undefined || other === undefined) return []
  const [one, two] = [first, other].map(({ service, user }) => `${service} as ${user ?? 'whoever runs heald'}`)
  const hint = `add the user its releases belong to, like user: ${first.user ?? other.user}`
  return [{ path, message: `has services of different users: ${one}, ${two}`, hint, on: 'key' }]
}

/** What concerns several keys of `switch`, and the deadlines of the targets and of what is asked on a probation. */
export function checkSwitch(file: Written): Complaint[] {
  const settings = isRecord(file.switch) ? file.switch : {}
  return [
    ...checkStartups(file, settings),
    ...checkDeadMan(settings, isRecord(file.targets) ? file.targets : {}),
    ...checkBudget(settings.budget),
  ]
}

/** A start that takes as long as it may has to be able to pass. */
function checkStartups(file: Written, { probation }: Written): Complaint[] {
  const probationMs = msWithin(probation, DEFAULT_PROBATION_MS, LEAST_PROBATION_MS, MOST_PROBATION_MS)
  if (probationMs === undefined) return []
  const mostMs = probationMs + PROBATION_LONGER_MS
  return [...startupsOf(file)].flatMap(([path, written]): Complaint[] => {
    const startupMs = Math.round(msOf(written) ?? 0)
    if (startupMs <= mostMs) return []
    const neededMs = startupMs - PROBATION_LONGER_MS
    const longer = neededMs > MOST_PROBATION_MS ? '' : `, or switch: { probation: "${exactDuration(neededMs)}" }`
    const message = 'says that a start may take longer than a new generation is waited for (probation + 30 s)'
    return [{ path, message, hint: `write at most ${exactDuration(mostMs)}${longer}`, on: 'value' }]
  })
}

/** How long a start may take, where that is written: of the services of targets, and of the targets' own checks. */
function* startupsOf({ services, targets }: Written): Generator<readonly [Path, unknown]> {
  for (const [name, service] of Object.entries(isRecord(services) ? services : {})) {
    if (!isRecord(service) || typeof service.target !== 'string') continue
    // The first of them is what a start is waited for with.
    const key = ['health', 'startup', 'readiness', 'liveness'].find(each => Object.hasOwn(service, each))
    const probe = key === undefined ? undefined : service[key]
    if (key !== undefined && isRecord(probe)) yield [['services', name, key, 'startup'], probe.startup]
  }
  for (const [name, target] of Object.entries(isRecord(targets) ? targets : {})) {
    const checks = isRecord(target) && Array.isArray(target.checks) ? target.checks.slice(0, MAX_CHECKS) : []
    for (const [index, check] of checks.entries())
      if (isRecord(check)) yield [['targets', name, 'checks', index, 'startup'], check.startup]
  }
}

function checkDeadMan({ probation, deadMan }: Written, targets: Written): Complaint[] {
  const deadManMs = msOf(deadMan)
  const probationMs = msWithin(probation, DEFAULT_PROBATION_MS, LEAST_PROBATION_MS, MOST_PROBATION_MS)
  if (deadManMs === undefined || probationMs === undefined) return []
  const deadlinesMs = Object.values(targets).flatMap(target => {
    if (!isRecord(target)) return []
    const { activationDeadline } = target
    const ms = msWithin(activationDeadline, DEFAULT_ACTIVATION_MS, LEAST_ACTIVATION_MS, MOST_ACTIVATION_MS)
    return ms === undefined ? [] : [ms]
  })
  const leastMs = leastDeadManMs(probationMs, deadlinesMs)
  if (Math.round(deadManMs) >= leastMs) return []
  const sum = `${deadlinesMs.length === 0 ? '' : 'the longest activationDeadline + '}probation + 60 s`
  const hint = `write at least ${exactDuration(leastMs)} (${sum}), or remove the key`
  return [{ path: ['switch', 'deadMan'], message: 'could end a switch that goes well', hint, on: 'value' }]
}

/** A duration as the schema reads it; undefined when the schema refuses it. */
function msWithin(written: unknown, defaultMs: number, leastMs: number, mostMs: number): number | undefined {
  if (written === undefined) return defaultMs
  const ms = Math.round(msOf(written) ?? -1)
  return ms >= leastMs && ms <= mostMs ? ms : undefined
}

/** perHour left out follows perDay; perDay left out does not follow: more of what nobody watches is to be asked for. */
function checkBudget(budget: unknown): Complaint[] {
  if (!isRecord(budget)) return []
  const { perHour, perDay = DEFAULT_PER_DAY } = budget
  // What is out of range is told by the schema.
  if (![perHour, perDay].every(count => 'value' in readInteger(count, 0, MOST_A_DAY))) return []
  if (Number(perHour) <= Number(perDay)) return []
  const isWritten = Object.hasOwn(budget, 'perDay')
  const message = isWritten ? 'is more than perDay' : `is more than perDay, which is ${DEFAULT_PER_DAY} when left out`
  const hint = `write at most ${perDay}, or perDay: ${perHour}`
  return [{ path: ['switch', 'budget', 'perHour'], message, hint, on: 'value' }]
}
