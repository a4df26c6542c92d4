import { BOT } from './bot-name.ts'
import { isRecord, type Path } from './document.ts'
import type { Complaint } from './explain.ts'
import type { HostFacts } from './facts.ts'
import { exampleAt } from './keys.ts'
import { CHATS_KEY, type ChannelKind, channelsIn } from './notices.ts'

type Written = Readonly<Record<string, unknown>>

/** What concerns several keys of a channel, and of the bot that serves them; on the values as written. */
export function checkChannels(file: Written, facts: HostFacts): Complaint[] {
  const channels = isRecord(file.channels) ? file.channels : {}
  const kinds = channelsIn(file)
  return [
    ...kinds.flatMap(kind => {
      const channel = channels[kind]
      return isRecord(channel) ? checkChannel(channel, kind, ['channels', kind]) : []
    }),
    ...checkOnlyWhatsApp(file, kinds),
    ...checkBot(file, facts, kinds),
  ]
}

function checkChannel(channel: Written, kind: ChannelKind, path: Path): Complaint[] {
  const complaints: Complaint[] = []
  const example = exampleAt(path) ?? ''
  const chats = CHATS_KEY[kind]
  const needed = [
    ...(kind === 'slack' ? ['botToken'] : []),
    ...(kind === 'telegram' || kind === 'discord' ? ['token'] : []),
  ]
  for (const key of [...needed, ...(chats === null ? [] : [chats])]) {
    if (Object.hasOwn(channel, key)) continue
    complaints.push({ path, message: `has no key "${key}"`, hint: `write ${example}`, on: 'key' })
  }
  if (kind === 'slack') complaints.push(...checkSlack(channel, path))
  if (Object.hasOwn(channel, 'digest') && !Object.hasOwn(channel, 'quietHours')) {
    const hint = 'add them, like quietHours: "22:00-07:00", or remove the key'
    complaints.push({ path: [...path, 'digest'], message: 'has nothing to tell without quietHours', hint, on: 'key' })
  }
  return complaints
}

/** By socket or by HTTP, with all that it takes, and not by both: an event would come twice. */
function checkSlack(slack: Written, path: Path): Complaint[] {
  const has = (key: string) => Object.hasOwn(slack, key)
  const http = ['signingSecret', 'port'].filter(has)
  if (has('appToken')) {
    return http.map(key => {
      const hint = 'keep appToken (socket mode, no port is opened), or signingSecret and port (HTTP mode)'
      return { path: [...path, key], message: 'stands beside appToken', hint, on: 'key' as const }
    })
  }
  if (http.length === 2) return []
  if (http.length === 0) {
    const hint = 'add it, like appToken: { env: SLACK_APP_TOKEN }; for HTTP mode write signingSecret and port'
    return [{ path, message: 'has no key "appToken"', hint, on: 'key' }]
  }
  const missing = has('port') ? 'signingSecret' : 'port'
  const hint =
    missing === 'port' ? 'add it, like port: 3000' : 'add it, like signingSecret: { env: SLACK_SIGNING_SECRET }'
  return [{ path, message: `has no key "${missing}", which HTTP mode needs`, hint, on: 'key' }]
}

/** Its numbers get banned, and then nothing at all would arrive. Routes that are written are judged one by one. */
function checkOnlyWhatsApp({ routes }: Written, kinds: readonly ChannelKind[]): Complaint[] {
  const isAlone = kinds.includes('whatsapp') && kinds.every(kind => kind === 'whatsapp' || kind === 'console')
  if (!isAlone || (Array.isArray(routes) && routes.length > 0)) return []
  const hint = 'add telegram, discord or slack: a number can be banned from WhatsApp, and then nothing would arrive'
  const message = 'is the only channel that reaches somebody'
  return [{ path: ['channels', 'whatsapp'], message, hint, on: 'key' }]
}

function checkBot({ services, bot }: Written, facts: HostFacts, kinds: readonly ChannelKind[]): Complaint[] {
  const complaints: Complaint[] = []
  if (kinds.length > 0 && isRecord(services) && Object.hasOwn(services, BOT)) {
    const message = 'is the name of the service that heald runs its channels with'
    complaints.push({ path: ['services', BOT], message, hint: 'choose another name', on: 'key' })
  }
  if (!isRecord(bot) || !Object.hasOwn(bot, 'user')) return complaints
  const path = ['bot', 'user']
  // Of a bot that is a unit of its own it says whose the socket is.
  if (!facts.isRoot) {
    const hint = 'remove the key (the bot runs as whoever starts heald), or start heald as root'
    complaints.push({ path, message: 'needs heald to run as root', hint, on: 'value' })
  }
  return complaints
}
