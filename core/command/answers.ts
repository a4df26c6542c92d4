import type { WhoAmI } from '../api/command-control.ts'
import type { Status } from '../api/control.ts'
import type { LinesFound } from '../api/ledger-query.ts'
import type { SwitchControl } from '../api/switch-control.ts'
import type { HostConfig } from '../config/spec.ts'
import { Fault } from '../fault.ts'
import { unknownService } from '../heal/unknown-service.ts'
import { allIncidents, type Incidents } from '../incident/fold.ts'
import { scrubber } from '../ledger/redact.ts'
import { type NoticeMemory, silenceStatus } from '../notice/memory.ts'
import type { RunCli } from './cli-apart.ts'
import type { Asked } from './desk-options.ts'
import { helpFor } from './help-words.ts'
import { actorOfSpeaker, type Identity, isLocal, refusalOf } from './identity.ts'
import type { CommandMemory } from './memory.ts'
import { MOST_WRONG } from './one-time-code.ts'
import type { CommandView, Person } from './port.ts'
import { personOf } from './view.ts'
import { WORDS } from './words.ts'

export interface AnswersOptions {
  readonly config: () => HostConfig
  readonly status: () => Status
  readonly incidents: Incidents
  readonly notices: NoticeMemory
  readonly memory: CommandMemory
  readonly switches: Pick<SwitchControl, 'generations' | 'changes' | 'rollback'>
  readonly commands: () => Promise<readonly CommandView[]>
  readonly cli: RunCli
}

/** A page of entries, as the ledger's own lines. */
export interface LedgerPage {
  readonly lines: readonly string[]
  /** The filter of the next page; null: there is none. */
  readonly next: string | null
  /** Entries among them that are damaged, and left out; `seq` -1: who knows which. */
  readonly bad: LinesFound['bad']
}

const PAGE = 10
const RESOLVED_SHOWN = 10
const LOG_LINES = '20'
const VERIFY_MS = 600_000

/** Answers the words that only read, each with what `docs/commands.md` says. Rejects with Faults. */
export function createAnswers(options: AnswersOptions): (asked: Asked) => Promise<unknown> {
  const { cli } = options

  return async ({ word, args, who, from }) => {
    const arg = (name: string) => String(args[name] ?? '')
    switch (word) {
      case 'status':
        return statusFor(options.status(), arg('service'))
      case 'incidents':
        return newest(options.incidents)
      case 'incident':
        return JSON.parse(await cli({ words: ['incident', ...withoutLines()], said: [arg('id')] }))
      case 'report':
        return report(arg('id'), arg('form') === 'md' ? 'md' : 'html')
      case 'ledger':
        return page(arg('filter'))
      case 'show':
        return { line: (await cli({ words: ['ledger', 'show'], said: [arg('seq')] })).trimEnd() }
      case 'proof':
        return JSON.parse(await cli({ words: ['ledger', 'prove'], said: [arg('seq')] }))
      case 'verify':
        return verify(arg('receipts'))
      case 'generations':
        return options.switches.generations(args.target === undefined ? null : arg('target'))
      case 'rollback':
        return options.switches.rollback(
          arg('target'),
          { to: args.to === undefined ? null : arg('to'), dryRun: true },
          who?.by ?? 'heald',
        )
      case 'diff':
        return { lines: await options.switches.changes(arg('target'), arg('from'), arg('to')) }
      case 'logs':
        return logs(arg('service'), args.lines === undefined ? LOG_LINES : arg('lines'))
      case 'silences':
        return [...options.notices.silences.values()].map(silenceStatus)
      case 'commands':
        return options.commands()
      case 'whoami':
        return whoIs(who ?? { by: actorOfSpeaker(from), via: from.platform }, options)
      case 'oncall':
        return onCall(options.config())
      case 'help':
        return helpFor(args.word === undefined ? null : arg('word'))
      default:
        throw new Fault('usage.word', `"${word}" is not answered here`)
    }
  }

  async function page(filter: string): Promise<LedgerPage> {
    const words = ['ledger', 'list', '--page', '--limit', String(PAGE)]
    // Word by word: a shell's word with blanks in it would be a phrase.
    const run = { words, said: filter.split(/\s+/), tz: options.config().tz, mayBeBad: true }
    const found = JSON.parse(await cli(run)) as LinesFound
    const asked = filter.replace(/(^|\s)to:\d+$/, '')
    const next = found.next === null ? null : `${asked} to:${Number(found.next) - 1}`.trim()
    return { lines: found.lines, next, bad: found.bad }
  }

  /** Receipts go in by standard input: as an argument they could be the name of a file. */
  async function verify(receipts: string): Promise<unknown> {
    // A full receipt and a checkpoint are compared with all that they cover, which takes as long as a verification.
    const run = { timeoutMs: VERIFY_MS, mayBeBad: true }
    if (receipts === '') return { ledger: JSON.parse(await cli({ ...run, words: ['ledger', 'verify'] })) }
    return { receipts: JSON.parse(await cli({ ...run, words: ['ledger', 'check'], input: receipts })) }
  }

  async function report(id: string, form: 'md' | 'html'): Promise<unknown> {
    const text = await cli({ words: ['incident', '--report', form, ...withoutLines()], said: [id] })
    return { name: `${id}.${form}`, type: form === 'md' ? 'text/markdown' : 'text/html', text }
  }

  /** Nor do the last lines that are kept beside the entries. */
  function withoutLines(): string[] {
    return options.config().notice.logs ? [] : ['--without-lines']
  }

  /** What a service wrote may hold anything: it goes to chats only where somebody has said so. */
  async function logs(service: string, lines: string): Promise<unknown> {
    const { notice, ledger } = options.config()
    if (!options.status().services.some(({ name }) => name === service)) throw unknownService(service)
    if (!notice.logs)
      throw new Fault('logs.off', 'what services write is not shown in chats', {
        hint: 'an admin may allow it with "notify: { logs: true }"; on the host: heald logs',
      })
    const text = await cli({ words: ['logs', '--lines', lines], said: [service] })
    const said = text.split('\n').flatMap(line => (line === '' ? [] : [String(JSON.parse(line).line)]))
    return { service, text: scrubber(ledger.redact).text(said.join('\n')) }
  }
}

function statusFor(status: Status, service: string): Status {
  if (service === '') return status
  const services = status.services.filter(({ name }) => name === service)
  const [found] = services
  if (found === undefined) throw unknownService(service)
  return { ...status, services, targets: status.targets.filter(({ name }) => name === found.target) }
}

function newest(incidents: Incidents): unknown {
  const all = allIncidents(incidents).map(({ entries: _, ...rest }) => rest)
  const open = all.filter(({ state }) => state !== 'resolved')
  return [...open, ...all.filter(({ state }) => state === 'resolved').slice(0, RESOLVED_SHOWN)]
}

export function onCall({ people }: Pick<HostConfig, 'people'>): Person[] {
  return people.oncall.flatMap(name => people.operators.filter(({ id }) => id === name).map(personOf))
}

/** Who somebody is by the configuration; `who` without an operator: nobody of it. */
export function whoIs(
  who: Identity | { readonly by: string; readonly via: string },
  { config, memory }: Pick<AnswersOptions, 'config' | 'memory'>,
): WhoAmI {
  const { people } = config()
  const { by, via } = who
  if (!('operator' in who)) {
    const user = by.slice(by.indexOf(':') + 1)
    const value = via === 'telegram' ? user : `"${user}"`
    return { by, operator: null, role: null, words: [], codes: 'none', line: `${via}: ${value}` }
  }
  const { operator, role } = who
  const words = WORDS.filter(spec => refusalOf(spec, who, people, { isOurChat: true }) === null).map(({ word }) => word)
  const totp = people.operators.find(({ id }) => id === operator)?.totp ?? null
  const isLocked = (memory.codes.get(operator)?.wrong ?? 0) >= MOST_WRONG
  const codes = isLocal(who) ? 'not needed' : totp === null ? 'none' : isLocked ? 'locked' : 'ok'
  return { by, operator, role, words, codes, line: null }
}
