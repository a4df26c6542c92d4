import { spanOf } from './measure.ts'
import { after, because, by, type Fields, list, text } from './phrase.ts'

const ELSEWHERE = '; look for the cause elsewhere, in what its services need: the disk, the network, a database'

/** One sentence for each kind that a switch, a rollback, the dead-man or a look at a target writes. */
export const SWITCH_WORDS: { readonly [kind: string]: (data: Fields) => string } = {
  'switch.observed': data =>
    typeof data.why === 'string' && data.why !== ''
      ? `${target(data)} runs ${candidate(data)}: ${data.why}`
      : `${data.by === 'outside' || data.by === undefined ? 'somebody outside heald' : text(data.by)} moved ${target(data)}${fromTo(data)}${older(data)}`,
  'switch.armed': data =>
    `${target(data)} is about to be switched${fromTo(data)}${by(data.by)}${failingBefore(data)}${data.unchecked === true ? '; nothing checks how its services are' : ''}`,
  'switch.activating': data => `${target(data)}: ${candidate(data)} is being activated${within(data.deadlineMs)}`,
  'switch.probation': data =>
    `${target(data)}: ${candidate(data)} runs and is on probation${span(' for ', data.deadlineMs)}${activation(data)}`,
  'switch.committing': data => `${target(data)}: ${candidate(data)} is being committed; from here on only forward`,
  'switch.committed': data => `${target(data)} is on ${candidate(data)} now, committed${after(data.tookMs)}`,
  'switch.failed': data =>
    `the switch of ${target(data)}${named(data.to, ' to ')} failed${activation(data)}${because(data.why)}`,
  'rollback.started': data => `${target(data)} is being rolled back${named(data.to, ' to ')}${cause(data)}`,
  'rollback.activated': data =>
    `${target(data)}: ${refOf(data.to, 'the earlier generation')} was activated${after(data.tookMs)}${activation(data)}`,
  'rollback.verified': data =>
    `${target(data)} was led back to ${refOf(data.to, 'an earlier generation')}${after(data.tookMs)}, and that works`,
  'rollback.failed': data =>
    `the rollback of ${target(data)}${named(data.to, ' to ')} failed${step(data)}${activation(data)}${because(data.why)}`,
  'rollback.held': data =>
    `${target(data)} is held: nothing is changed there automatically any more${named(data.current, ', it runs ')}${because(data.why)}${data.verdict === 'environment' ? ELSEWHERE : ''}`,
  'generation.quarantined': data => `${generation(data)} of ${target(data)} is quarantined${because(data.why)}`,
  'generation.good': data => `${generation(data)} of ${target(data)} is known to be good${because(data.why)}`,
  'deadman.armed': data =>
    `${target(data)}: the dead-man is armed; if heald does not come back it leads back${named(data.to, ' to ')}${when(data)}`,
  'deadman.disarmed': data => `${target(data)}: the dead-man is disarmed${because(data.why)}`,
  'deadman.fired': data => {
    const did = data.result === 'failed' ? 'could not lead back' : 'led back'
    return `${target(data)}: the dead-man fired${span(' after ', data.afterMs)} and ${did}${named(data.to, ' to ')}${because(data.why)}`
  },
  'target.trouble': data => `${target(data)}${at(data.place)} is in trouble${because(data.why)}`,
  'target.clear': data => `${target(data)}${at(data.place)} is in order again`,
}

/**
 * The short name of a generation as entries hold it, `{generation, path}`.
 * @param otherwise where nothing whole is named
 */
export function refOf(ref: unknown, otherwise: string): string {
  if (typeof ref !== 'object' || ref === null) return text(ref, otherwise)
  const { generation, path } = ref as Fields
  return text(generation, text(path, otherwise))
}

const CAUSES = new Map<unknown, string>([
  ['crashloop', 'crash loop'],
  ['probation', 'probation'],
  ['operator', 'by an operator'],
  ['deadman', 'dead-man'],
  ['recovery', 'after an interruption'],
])

function target({ target }: Fields): string {
  return text(target, 'a target')
}

function at(place: unknown): string {
  const words = text(place, '')
  return words === '' ? '' : ` (${words})`
}

function candidate({ to }: Fields): string {
  return refOf(to, 'the new generation')
}

function generation({ generation, path }: Fields): string {
  return refOf({ generation, path }, 'a generation')
}

function named(ref: unknown, before: string): string {
  const name = refOf(ref, '')
  return name === '' ? '' : `${before}${name}`
}

function fromTo({ from, to }: Fields): string {
  return `${named(from, ' from ')}${named(to, ' to ')}`
}

function older({ older }: Fields): string {
  const names = Array.isArray(older) ? older.map(ref => refOf(ref, '')).filter(name => name !== '') : []
  return names.length === 0 ? '' : `; older ones: ${names.join(', ')}`
}

function failingBefore({ baseline }: Fields): string {
  const names = list(baseline)
  return names === '' ? '' : `; not well already before: ${names}`
}

function cause({ cause, why }: Fields): string {
  const known = CAUSES.get(cause) ?? text(cause, '')
  return `${known === '' ? '' : ` (${known})`}${because(why)}`
}

/** How an activation command ended, where that is worth a word. */
function activation({ verdict, exitCode }: Fields): string {
  const parts: string[] = []
  if (typeof verdict === 'string' && verdict !== '' && verdict !== 'done') parts.push(verdict)
  if (typeof exitCode === 'number' && exitCode !== 0) parts.push(`exit code ${exitCode}`)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

function step({ step }: Fields): string {
  return typeof step === 'string' && step !== '' ? ` at step ${step}` : ''
}

function within(ms: unknown): string {
  return span(', at most ', ms)
}

function span(before: string, ms: unknown): string {
  return typeof ms === 'number' ? `${before}${spanOf(ms)}` : ''
}

function when({ afterMs, at }: Fields): string {
  if (typeof afterMs === 'number') return ` after ${spanOf(afterMs)}`
  return typeof at === 'string' && at !== '' ? ` at ${at}` : ''
}
