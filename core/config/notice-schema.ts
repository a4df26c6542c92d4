import { z } from 'zod'
import {
  checkBrowser,
  checkBrowserArgs,
  checkChats,
  checkClock,
  checkDiscordChannel,
  checkEndpoint,
  checkQuietHours,
  checkSlackChannel,
  checkTelegramChat,
  checkWhatsAppChat,
} from './channel-leaves.ts'
import type { QuietHours, SecretSpec } from './channel-spec.ts'
import { duration, flag, integer, leaf, text } from './leaf.ts'
import { checkUser } from './leaves.ts'
import { type Moment, parseMoment } from './moment.ts'
import {
  checkBotRun,
  checkCron,
  checkKinds,
  checkServices,
  checkSeverities,
  checkTo,
  checkUnless,
} from './notice-leaves.ts'
import type { BotSpec, EscalationStep, MatchSpec } from './notice-spec.ts'
import { DEFAULT_GRACE_MS, DISCORD_API, MOST_GRACE_MS, SLACK_API, TELEGRAM_API } from './notices.ts'
import { checkSecret } from './secret-leaf.ts'

/** Channels and what is told there, as people write it. What concerns several keys is in the relations beside it. */

const secret = (file: string, env: string) => leaf<SecretSpec>(checkSecret(file, env)).optional()

const common = {
  quietHours: leaf<QuietHours>(checkQuietHours).optional(),
  digest: leaf<string>(checkClock).optional(),
}

/** By kind, which is their name. */
export const channelShapes = {
  telegram: {
    token: secret('/run/credentials/telegram', 'TELEGRAM_TOKEN'),
    chats: leaf<string[]>(checkChats(checkTelegramChat, 'chat', '[-1001234567890]')).optional(),
    apiRoot: leaf<string>(checkEndpoint(TELEGRAM_API)).default(TELEGRAM_API),
    ...common,
  },
  discord: {
    token: secret('/run/credentials/discord', 'DISCORD_TOKEN'),
    channels: leaf<string[]>(checkChats(checkDiscordChannel, 'channel', '["112233445566778899"]')).optional(),
    apiUrl: leaf<string>(checkEndpoint(DISCORD_API)).default(DISCORD_API),
    ...common,
  },
  slack: {
    botToken: secret('/run/credentials/slack-bot', 'SLACK_BOT_TOKEN'),
    appToken: secret('/run/credentials/slack-app', 'SLACK_APP_TOKEN'),
    signingSecret: secret('/run/credentials/slack-signing', 'SLACK_SIGNING_SECRET'),
    port: integer(1, 65_535).optional(),
    channels: leaf<string[]>(checkChats(checkSlackChannel, 'channel', '[C012AB3CD]')).optional(),
    apiUrl: leaf<string>(checkEndpoint(SLACK_API)).default(SLACK_API),
    ...common,
  },
  whatsapp: {
    chats: leaf<string[]>(checkChats(checkWhatsAppChat, 'chat', '["4915112345678@c.us"]')).optional(),
    browser: leaf<string>(checkBrowser).optional(),
    browserArgs: leaf<string[]>(checkBrowserArgs).default([]),
    ...common,
  },
  console: common,
}

export const channelMaps = {
  telegram: z.strictObject(channelShapes.telegram).optional(),
  discord: z.strictObject(channelShapes.discord).optional(),
  slack: z.strictObject(channelShapes.slack).optional(),
  whatsapp: z.strictObject(channelShapes.whatsapp).optional(),
  console: z.strictObject(channelShapes.console).optional(),
}

const flap = { changes: integer(2, 1000).default(4), within: duration(1000, 86_400_000).default(600_000) }

export const noticeShapes = {
  match: {
    severity: leaf<NonNullable<MatchSpec['severity']>>(checkSeverities).optional(),
    service: leaf<NonNullable<MatchSpec['services']>>(checkServices).optional(),
    kind: leaf<NonNullable<MatchSpec['kinds']>>(checkKinds).optional(),
  },
  flap,
  notify: { logs: flag.default(false), flap: z.strictObject(flap).prefault({}) },
}

const match = z.strictObject(noticeShapes.match).prefault({})

export const routeShape = {
  match,
  to: leaf<string[]>(checkTo).optional(),
  grace: duration(0, MOST_GRACE_MS).default(DEFAULT_GRACE_MS),
}

export const escalationShape = {
  after: duration(1000).optional(),
  unless: leaf<EscalationStep['unless']>(checkUnless).default('acked'),
  to: leaf<string[]>(checkTo).optional(),
}

export const maintenanceShape = {
  match,
  from: leaf<Moment>(parseMoment).optional(),
  to: leaf<Moment>(parseMoment).optional(),
  cron: leaf<string>(checkCron).optional(),
  for: duration(60_000, 7 * 86_400_000).optional(),
  why: text('"backup of the database"').optional(),
}

export const botShape = {
  run: leaf<BotSpec['run']>(checkBotRun).default('child'),
  user: leaf<string>(checkUser).optional(),
  state: text('/var/lib/heald-bot').optional(),
}
