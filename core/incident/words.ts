import { COMMAND_WORDS } from './command-words.ts'
import type { FoldEntry } from './fold.ts'
import { sizeOf, spanOf } from './measure.ts'
import { NOTICE_WORDS } from './notice-words.ts'
import { after, because, by, type Fields, fieldsOf, list, number, text } from './phrase.ts'
import { SWITCH_WORDS } from './switch-words.ts'

type Words = (data: Fields, name: string) => string

/** One sentence for each kind. A kind that is not here (of a newer version) is shown by its name and fields. */
const WORDS: { readonly [kind: string]: Words } = {
  genesis: data => `the ledger of ${text(data.host)} begins`,
  'segment.opened': () => 'a new ledger file was begun',
  'daemon.started': data => {
    const adopted = list(data.adopted)
    return `heald ${text(data.version)} started, pid ${number(data.pid)}${adopted ? `, and found running: ${adopted}` : ''}`
  },
  'daemon.stopped': data => `heald stopped: ${text(data.reason)}`,
  'config.applied': data => `a configuration was applied${changesOf(data.changes)}`,
  'service.started': (data, name) => {
    const attempt = data.attempt
    const again = typeof attempt === 'number' && attempt > 0 ? ` (attempt ${attempt})` : ''
    return `${name} was started, pid ${number(data.pid)}${data.standby === true ? ', from the standby' : ''}${again}`
  },
  'service.ready': (data, name) => `${name} is ready${after(data.readyMs)}`,
  'service.exited': exited,
  'service.unhealthy': (data, name) => `${name} fails its check${checkOf(data)}`,
  'service.logged': ({ tail, rssBytes }, name) => {
    const memory = typeof rssBytes === 'number' ? sizeOf(rssBytes) : null
    if (memory !== null && tail === undefined) return `${name} held at most ${memory} of memory before its end`
    return `${name} wrote this before its end${memory === null ? '' : ` (most memory ${memory})`}`
  },
  'service.hung': (data, name) => `${name} hangs, by its check${checkOf(data)}`,
  'service.restarting': (data, name) => {
    const delayMs = data.delayMs
    const when = typeof delayMs === 'number' && delayMs > 0 ? `in ${spanOf(delayMs)}` : 'at once'
    const who = data.by === 'systemd' ? ' by systemd' : ''
    return `${name} will be restarted${who} ${when}${because(data.cause)}`
  },
  'service.recovered': (data, name) => {
    const attempts = data.attempts
    const tries = typeof attempts === 'number' && attempts > 1 ? ` and ${attempts} attempts` : ''
    return `${name} is well again after ${spanOf(data.downMs)}${tries}`
  },
  'service.adopted': (data, name) => `${name} was found running, pid ${number(data.pid)}, and is looked after again`,
  'service.stopped': (data, name) => `${name} was stopped${data.by === 'outside' ? ' outside heald' : by(data.by)}`,
  'service.held': (data, name) =>
    list(data.waitsFor) === ''
      ? `${name} is held and will not be started${because(data.why)}`
      : `${name} waits for ${list(data.waitsFor)}`,
  'service.released': (data, name) => {
    const goesOn = data.unit === undefined ? '' : `; the unit ${text(data.unit)} is left as it is`
    return `heald looks after ${name} no more${because(data.why)}${goesOn}`
  },
  'crashloop.detected': (data, name) => {
    const verdict = data.verdict === 'rollback' ? 'it is rolled back' : text(data.verdict, 'slow restarts')
    return `${name} is in a crash loop: ${number(data.failures)} failures within ${spanOf(data.withinMs)}; now ${verdict}${because(data.why)}`
  },
  'incident.opened': data => `incident opened (${text(data.severity)}): ${text(data.cause)}`,
  'incident.acked': data => `acknowledged${by(data.by)}`,
  'incident.escalated': data => {
    const to = data.severity === undefined ? '' : ` to ${text(data.severity)}`
    return `escalated${to}${data.step === undefined ? '' : ` (${text(data.step)})`}${because(data.cause)}`
  },
  'incident.resolved': data => {
    const down = typeof data.downMs === 'number' ? `, down for ${spanOf(data.downMs)}` : ''
    return `resolved: ${text(data.how, 'no reason given')}${down}`
  },
  ...SWITCH_WORDS,
  ...NOTICE_WORDS,
  ...COMMAND_WORDS,
  'checkpoint.posted': data =>
    `a checkpoint of ${number(data.size)} entries was posted on ${text(data.where, 'an unknown channel')}`,
  'key.rotated': data =>
    `epoch ${number(data.epoch)} of the ledger's keys begins${because(data.why)}; from here on its key signs the checkpoints`,
  'key.begun': data =>
    `the key of epoch ${number(data.epoch)} signs from here on; the one before was gone, so nobody vouches for it`,
  'ledger.gap': data => `entries could not be recorded and are lost${fieldsOf(data)}`,
  'ledger.torn': data => `an unfinished last line was set aside${fieldsOf(data)}`,
  'ledger.pruned': data =>
    `the entries before #${number(data.upTo)} were pruned, ${data.archive == null ? 'without an archive' : 'with an archive'}`,
  'ledger.erased': data => `the text kept aside for entry #${number(data.seq)} was erased`,
  'integrity.alert': data => `THE LEDGER IS DAMAGED${fieldsOf(data)}`,
  'clock.rewound': data => `the wall clock went back; the order of entries still holds${fieldsOf(data)}`,
}

/**
 * What an entry says, as one sentence without a full stop. The text may hold anything that a service wrote: clean it
 * for where it is shown.
 */
export function entryInWords(entry: FoldEntry): string {
  const data: Fields = typeof entry.data === 'object' && entry.data !== null ? { ...entry.data } : {}
  const words = Object.hasOwn(WORDS, entry.kind) ? WORDS[entry.kind] : undefined
  return words === undefined ? `${entry.kind}${fieldsOf(data)}` : words(data, entry.svc ?? 'the service')
}

function exited(data: Fields, name: string): string {
  const { diagnosis, uptimeMs, rssBytes, wanted } = data
  const said = typeof diagnosis === 'string' && diagnosis !== ''
  const extra: string[] = []
  // A diagnosis tells the uptime itself, and whether it was wanted.
  if (!said && typeof uptimeMs === 'number') extra.push(`after ${spanOf(uptimeMs)}`)
  if (typeof rssBytes === 'number') extra.push(`most memory ${sizeOf(rssBytes)}`)
  if (!said && wanted === true) extra.push('as asked')
  const details = extra.length === 0 ? '' : ` (${extra.join(', ')})`
  return `${name} ${said ? `ended: ${diagnosis}` : howItEnded(data)}${details}`
}

function howItEnded(data: Fields): string {
  if (data.oom === true) return 'was killed by the kernel: out of memory'
  if (typeof data.signal === 'string') return `was killed by ${data.signal}`
  if (typeof data.exitCode === 'number') return `exited with code ${data.exitCode}`
  return 'ended; how is not known'
}

function checkOf(data: Fields): string {
  const parts: string[] = []
  if (typeof data.error === 'string' && data.error !== '') parts.push(data.error)
  if (typeof data.misses === 'number') parts.push(`${data.misses} ${data.misses === 1 ? 'miss' : 'misses'}`)
  if (typeof data.sinceMs === 'number') parts.push(`for ${spanOf(data.sinceMs)}`)
  const check = typeof data.check === 'string' ? ` ${data.check}` : ''
  return `${check}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`
}

function changesOf(changes: unknown): string {
  if (typeof changes !== 'object' || changes === null) return ''
  const parts = Object.entries(changes).flatMap(([what, names]) => {
    const them = list(names)
    return them === '' || what === 'keep' ? [] : [`${what} ${them}`]
  })
  return parts.length === 0 ? '' : `: ${parts.join('; ')}`
}
