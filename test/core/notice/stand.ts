import type { SlackSpec, TelegramSpec } from '../../../core/config/channel-spec.ts'
import type { NoticeSpec } from '../../../core/config/notice-spec.ts'
import type { HostConfig } from '../../../core/config/spec.ts'
import type { Draft, Entry } from '../../../core/entry.ts'
import { Fault } from '../../../core/fault.ts'
import { emptyFolded, type Folded, fold } from '../../../core/folded.ts'
import { type FakeClock, fakeClock } from '../../fakes/clock.ts'
import { NO_CHANNELS } from '../../fakes/no-channels.ts'

export function configOf(notice: Partial<NoticeSpec> = {}, more: Partial<HostConfig> = {}): HostConfig {
  return {
    ...{ host: 'web-1', tz: 'UTC', services: [], units: [], targets: [] },
    switch: { probationMs: 1, passes: 1, deadManMs: 1, budget: { perHour: 2, perDay: 4 } },
    notice: { ...NO_CHANNELS.notice, ...notice },
    bot: NO_CHANNELS.bot,
    people: NO_CHANNELS.people,
    ledger: { fsync: false, redact: [], checkpointEvery: 10_000 },
    sha256: '',
    ...more,
  }
}

/** A ledger in memory: entries are durable and folded a turn later, as the real one does it. */
export interface Notebook {
  readonly clock: FakeClock
  readonly folded: Folded
  readonly entries: Entry[]
  readonly append: (draft: Draft) => Promise<unknown>
  /** Entries of a kind, as `data`. */
  of(kind: string): Entry['data'][]
  /** How long the disk takes. */
  slowMs: number
  /** While true, nothing can be recorded. */
  isBroken: boolean
  /** Opens an incident; its id. */
  open(svc: string, severity: 'warning' | 'critical'): Promise<string>
  /** Called with each batch of entries once they are folded. */
  onEntries: (entries: readonly Entry[]) => void
  /** What a daemon started now would know: the entries, folded anew. */
  restart(): Folded
}

export function notebook(clock = fakeClock()): Notebook {
  const folded = emptyFolded()
  const entries: Entry[] = []
  const book: Notebook = {
    ...{ clock, folded, entries, isBroken: false, slowMs: 0, onEntries: () => {} },
    async append(draft) {
      if (book.isBroken) throw new Fault('ledger.degraded', 'the disk is full', { retry: 5000 })
      if (book.slowMs > 0) await clock.sleep(book.slowMs)
      const { inc, opens, svc, kind, data, actor } = draft
      const seq = entries.length
      if (typeof inc === 'object' && opens === true) inc.seq ??= seq
      const id = typeof inc === 'object' ? `${inc.svc}-${inc.seq}` : inc
      const entry: Entry = {
        ...{ v: 1, seq, prev: '', ts: new Date(clock.wallMs()).toISOString(), mono: 0, boot: 'aaaa0000', kind, h: '' },
        ...(svc === undefined ? {} : { svc }),
        ...(id === undefined ? {} : { inc: id }),
        ...(actor === undefined ? {} : { actor }),
        data: structuredClone(data),
      }
      entries.push(entry)
      await null
      fold(folded, entry)
      book.onEntries([entry])
      return { seq, h: '' }
    },
    of: kind => entries.filter(entry => entry.kind === kind).map(({ data }) => data),
    async open(svc, severity) {
      const seq = entries.length
      const data = { severity, cause: `${svc} is broken`, services: [svc] }
      await book.append({ kind: 'incident.opened', svc, inc: { svc }, opens: true, data })
      return `${svc}-${seq}`
    },
    restart() {
      const anew = emptyFolded()
      for (const entry of entries) fold(anew, entry)
      return anew
    },
  }
  return book
}

const CHATS = { chats: ['1'], quietHours: null, digest: null }

export const TELEGRAM: TelegramSpec = {
  ...{ kind: 'telegram', token: { file: '/run/secrets/telegram' }, apiRoot: 'https://api.telegram.org' },
  ...CHATS,
}
export const SLACK: SlackSpec = {
  ...{ kind: 'slack', botToken: { env: 'SLACK_BOT_TOKEN' }, appToken: { file: '/run/secrets/slack' }, http: null },
  ...{ apiUrl: 'https://slack.com/api/', ...CHATS },
}
