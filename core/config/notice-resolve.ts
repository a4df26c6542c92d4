import { resolve } from 'node:path'
import type { ChannelSpec, SecretSpec } from './channel-spec.ts'
import { momentMs } from './moment.ts'
import type { BotSpec, MaintenanceSpec, MatchSpec, NoticeSpec, RouteSpec } from './notice-spec.ts'
import { type ChannelKind, DEFAULT_GRACE_MS } from './notices.ts'
import type { WrittenFile } from './schema.ts'

type Written<Kind extends ChannelKind> = NonNullable<WrittenFile['channels'][Kind]>

/** What notices go by. `kinds` are the channels in the order of the file; `folder` is the file's. */
export function resolveNotice(written: WrittenFile, kinds: readonly ChannelKind[], folder: string): NoticeSpec {
  const channels = kinds.flatMap(kind => resolveChannel(written.channels, kind, folder) ?? [])
  const { notify, escalation, fallback, maintenance, tz } = written
  return {
    channels,
    routes: resolveRoutes(written.routes, kinds),
    logs: notify.logs,
    flap: { changes: notify.flap.changes, withinMs: notify.flap.within },
    escalation: escalation.map(({ after = 0, unless, to = [] }) => ({ afterMs: after, unless, to })),
    fallback,
    maintenance: maintenance.flatMap(window => resolveMaintenance(window, tz) ?? []),
  }
}

export function resolveBot({ run, user, state }: WrittenFile['bot'], folder: string): BotSpec {
  return { run, user: user ?? null, state: state === undefined ? null : resolve(folder, state) }
}

/** channel-relations.ts has seen to it that what a channel can't do without is there. */
function resolveChannel(channels: WrittenFile['channels'], kind: ChannelKind, folder: string): ChannelSpec | undefined {
  const { telegram, discord, slack, whatsapp, console } = channels
  if (kind === 'telegram' && telegram !== undefined) {
    const { token, chats = [], apiRoot } = telegram
    return { kind, token: secretIn(token, folder), chats, apiRoot, ...commonOf(telegram) }
  }
  if (kind === 'discord' && discord !== undefined) {
    const { token, channels: chats = [], apiUrl } = discord
    return { kind, token: secretIn(token, folder), chats, apiUrl, ...commonOf(discord) }
  }
  if (kind === 'slack' && slack !== undefined) return resolveSlack(slack, folder)
  if (kind === 'whatsapp' && whatsapp !== undefined) {
    const { chats = [], browser, browserArgs } = whatsapp
    const path = browser === undefined ? null : resolve(folder, browser)
    return { kind, chats, browser: path, browserArgs, ...commonOf(whatsapp) }
  }
  return kind === 'console' && console !== undefined ? { kind, chats: ['console'], ...commonOf(console) } : undefined
}

function resolveSlack(written: Written<'slack'>, folder: string): ChannelSpec {
  const { botToken, appToken, signingSecret, port, channels = [], apiUrl } = written
  return {
    kind: 'slack',
    botToken: secretIn(botToken, folder),
    appToken: appToken === undefined ? null : secretIn(appToken, folder),
    http:
      signingSecret === undefined || port === undefined
        ? null
        : { signingSecret: secretIn(signingSecret, folder), port },
    chats: channels,
    // Methods are put behind it.
    apiUrl: apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/`,
    ...commonOf(written),
  }
}

function commonOf({ quietHours, digest }: Written<'console'>): Pick<ChannelSpec, 'quietHours' | 'digest'> {
  return { quietHours: quietHours ?? null, digest: digest ?? null }
}

function secretIn(written: SecretSpec | undefined, folder: string): SecretSpec {
  if (written !== undefined && 'env' in written) return written
  return { file: resolve(folder, written?.file ?? '.') }
}

function resolveMatch({ severity, service, kind }: WrittenFile['maintenance'][number]['match']): MatchSpec {
  return { severity: severity ?? null, services: service ?? null, kinds: kind ?? null }
}

/** A terminal that nobody may be looking at is told only where there is nothing else, or where a route says so. */
function resolveRoutes(written: WrittenFile['routes'], kinds: readonly ChannelKind[]): RouteSpec[] {
  if (written !== undefined && written.length > 0) {
    return written.map(({ match, to = [], grace }) => ({ match: resolveMatch(match), to, graceMs: grace }))
  }
  if (kinds.length === 0) return []
  const others = kinds.filter(kind => kind !== 'console')
  const to = others.length === 0 ? kinds : others
  return [{ match: resolveMatch({}), to, graceMs: DEFAULT_GRACE_MS }]
}

/** notice-relations.ts has seen to it that there is one of the two forms, and all of it. */
function resolveMaintenance(written: WrittenFile['maintenance'][number], tz: string): MaintenanceSpec | undefined {
  const { from, to, cron, for: forMs, why = '' } = written
  const match = resolveMatch(written.match)
  if (cron !== undefined && forMs !== undefined) return { match, when: { cron, forMs }, why }
  if (from === undefined || to === undefined) return undefined
  return { match, when: { fromMs: momentMs(from, tz), toMs: momentMs(to, tz) }, why }
}
