import type { ChannelSpec } from '../config/channel-spec.ts'
import { formatDuration } from '../config/duration.ts'
import type { MatchSpec, NoticeSpec } from '../config/notice-spec.ts'
import type { Context } from './command.ts'
import { table } from './table.ts'

/** Where notices go, and which; '' where there are no channels. */
export function noticeSummary(notice: NoticeSpec, { columns, colour }: Pick<Context, 'columns' | 'colour'>): string {
  if (notice.channels.length === 0) return ''
  const places = notice.channels.map(channel => [
    channel.kind,
    channel.kind === 'console' ? 'heald logs bot' : channel.chats.join(', '),
    quietText(channel),
  ])
  const routes = notice.routes.map(({ match, to, graceMs }, at) => [
    matchText(match, at === 0),
    to.length === 0 ? 'nowhere' : to.join(', '),
    graceMs === 0 ? 'at once' : formatDuration(graceMs),
  ])
  const steps = notice.escalation.map(({ afterMs, unless, to }) => [
    `after ${formatDuration(afterMs)}, unless ${unless}`,
    to.join(', '),
    '',
  ])
  const placeTitles = [{ title: 'CHANNEL' }, { title: 'CHATS', shrinks: true }, { title: 'QUIET' }]
  const routeTitles = [{ title: 'NOTICES', shrinks: true }, { title: 'GO TO' }, { title: 'SOUND AFTER' }]
  const one = table(placeTitles, places, columns, colour)
  const two = table(routeTitles, [...routes, ...steps], columns, colour)
  return `\n${one}\n${two}`
}

function quietText({ quietHours, digest }: ChannelSpec): string {
  if (quietHours === null) return ''
  return `${quietHours.from}–${quietHours.to}${digest === null ? '' : `, told at ${digest}`}`
}

function matchText({ severity, services, kinds }: MatchSpec, isFirst: boolean): string {
  const parts = [severity?.join(', '), services === null ? undefined : `of ${services.join(', ')}`]
  const text = [...parts, kinds === null ? undefined : `kind ${kinds.join(', ')}`].filter(part => part !== undefined)
  return text.length > 0 ? text.join('; ') : isFirst ? 'all' : 'all others'
}
