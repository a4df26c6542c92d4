import type { CommandControl, Frozen } from '../api/command-control.ts'
import type { Control, ServiceStatus, Status } from '../api/control.ts'
import type { NoticeControl } from '../api/notice-control.ts'
import type { SwitchControl } from '../api/switch-control.ts'
import type { Clock } from '../clock.ts'
import type { HostConfig } from '../config/spec.ts'
import type { Draft, Entry } from '../entry.ts'
import { messageOf } from '../fault.ts'
import type { Incident, Incidents } from '../incident/fold.ts'
import type { NoticeMemory } from '../notice/memory.ts'
import type { CommandDesk } from './desk.ts'
import type { HostDeedsOptions } from './host-deeds.ts'
import { type CommandMemory, openCommands } from './memory.ts'
import type { ChatCommands } from './port.ts'

export interface CommandsOptions {
  readonly clock: Clock
  readonly state: string
  readonly socket: string
  readonly memory: CommandMemory
  readonly incidents: Incidents
  readonly notices: NoticeMemory
  readonly config: () => HostConfig
  readonly status: () => Status
  readonly services: () => readonly ServiceStatus[]
  readonly isWanted: HostDeedsOptions['isWanted']
  readonly act: HostDeedsOptions['act']
  readonly mark: (verb: 'ack' | 'resolve', incident: string, by: string) => Promise<Incident>
  readonly switches: SwitchControl & { statuses(): ReturnType<HostDeedsOptions['targets']> }
  /** Asked for when it is needed: notices know commands themselves. */
  readonly silences: () => NoticeControl
  readonly append: (draft: Draft) => Promise<unknown>
  readonly mustRecord: () => void
  readonly whenReady: () => Promise<unknown>
  readonly isKnown: () => boolean
  readonly warn: (text: string) => void
}

/** What the operator's socket orders: each a command of the chain. */
type Ordered = Pick<Control, 'act' | 'mark' | 'silence' | 'unsilence' | 'deploy' | 'rollback'>

/** Commands of this host, from chats and from its own socket. */
export interface Commands {
  readonly control: Ordered & CommandControl
  readonly chat: ChatCommands
  /** The past is known: goes on with what an earlier daemon left. */
  begin(): void
  /** Entries that have just become durable and are folded. */
  take(entries: readonly Entry[]): void
  release(): void
}

interface Loaded {
  readonly desk: CommandDesk
  readonly whoami: CommandControl['whoami']
  readonly oncall: CommandControl['oncall']
}

const AGAIN_MS = 30_000

/** Loaded with the first order, or where one was left: an idle daemon does without its memory. */
export function commandsOnDemand(options: CommandsOptions): Commands {
  let loading: Promise<Loaded> | null = null
  let loaded: Loaded | null = null
  let isReleased = false

  async function load(): Promise<Loaded> {
    await options.whenReady()
    loading ??= import('./host-commands.ts').then(({ createHostCommands }) => {
      loaded = createHostCommands(options)
      if (isReleased) loaded.desk.release()
      else if (options.isKnown()) loaded.desk.begin()
      return loaded
    })
    return loading
  }
  const desk = async (): Promise<CommandDesk> => (await load()).desk
  const ordered =
    <T>() =>
    async (...order: Parameters<CommandDesk['order']>): Promise<T> =>
      (await (await desk()).order(...order)) as T

  const orders: Ordered = {
    act: (verb, service, by) => ordered<Awaited<ReturnType<Ordered['act']>>>()(verb, { service }, by),
    mark: (verb, id, by) => ordered<Incident>()(verb, { id }, by),
    silence: ({ service, for: long, why }, by) =>
      ordered<Awaited<ReturnType<Ordered['silence']>>>()('silence', { service, for: long, why }, by),
    unsilence: (id, by) => ordered<Awaited<ReturnType<Ordered['unsilence']>>>()('unsilence', { id }, by),
    deploy: (target, order, by) => {
      if (order.dryRun === true) return options.switches.deploy(target, order, by)
      const { ref, force, unchecked } = order
      const flags = { ...(force ? { force } : {}), ...(unchecked ? { unchecked } : {}) } as { force?: true }
      return ordered<Awaited<ReturnType<Ordered['deploy']>>>()('deploy', { target, ref, ...flags }, by)
    },
    rollback: (target, order, by) => {
      if (order.dryRun) return options.switches.rollback(target, order, by)
      const to = order.to === null ? {} : { to: order.to }
      return ordered<Awaited<ReturnType<Ordered['rollback']>>>()('rollback', { target, ...to }, by)
    },
  }

  return {
    control: {
      ...orders,
      commands: async () => (await desk()).commands(),
      decide: async (step, id, how) => (await desk()).decide(step, id, how),
      freeze: (why, by) => ordered<Frozen>()('freeze', why === '' ? {} : { why }, by),
      unfreeze: by => ordered<Frozen>()('unfreeze', {}, by),
      unlock: (operator, by) => ordered<{ operator: string }>()('unlock', { operator }, by),
      whoami: async by => (await load()).whoami(by),
      oncall: async () => (await load()).oncall(),
    },
    chat: {
      request: async ask => (await desk()).request(ask),
      command: async id => (await desk()).command(id),
      commands: async () => (await desk()).commands(),
      offers: async about => (await desk()).offers(about),
      complete: async (type, begin) => (await desk()).complete(type, begin),
    },
    begin,
    take: entries => loaded?.desk.take(entries),
    release() {
      isReleased = true
      loaded?.desk.release()
    },
  }

  function begin(): void {
    if (isReleased || loaded !== null || openCommands(options.memory).length === 0) return
    load().catch((error: unknown) => {
      options.warn(`commands can't go on yet: ${messageOf(error)}`)
      options.clock.after(AGAIN_MS, begin)
    })
  }
}
