import { type Case, testProblems } from './marked.ts'

/** A file of channels of which only the keys are written. */
const channels = (keys: string) => `channels:\n${keys.replaceAll(/^/gm, '  ')}\n`
const TELEGRAM = 'channels.telegram'
const SLACK = 'channels.slack'

/** Where a secret is; the secret itself is refused, wherever it stands. */
const CASES: readonly Case[] = [
  [
    'a token itself',
    channels('telegram: { token: ‸abc, chats: [1] }'),
    [
      [
        `${TELEGRAM}.token`,
        /not be in this file/,
        /put it into a file or an environment variable.*env: TELEGRAM_TOKEN/,
      ],
    ],
  ],
  [
    'a token of nothing',
    channels('telegram: { ‸token: , chats: [1] }'),
    [[`${TELEGRAM}.token`, /nothing in it/, /file:/]],
  ],
  [
    'a token in a list',
    channels('telegram: { token: ‸[a], chats: [1] }'),
    [[`${TELEGRAM}.token`, /say where it is, not be a list/, /file:/]],
  ],
  [
    'a token nowhere',
    channels('telegram: { token: ‸{}, chats: [1] }'),
    [[`${TELEGRAM}.token`, /not say where/, /file:/]],
  ],
  [
    'a token in two places',
    channels('telegram: { token: ‸{ file: a, env: B }, chats: [1] }'),
    [[`${TELEGRAM}.token`, /two places/, /or \{ env/]],
  ],
  [
    'a near place',
    channels('telegram: { token: ‸{ fiel: a }, chats: [1] }'),
    [[`${TELEGRAM}.token`, /key other than file and env/, /"file"/]],
  ],
  [
    'a far place',
    channels('telegram: { token: ‸{ vault: a }, chats: [1] }'),
    [[`${TELEGRAM}.token`, /key other than/, /write \{ file/]],
  ],
  [
    'an empty file',
    channels('telegram: { token: { file: ‸"" }, chats: [1] }'),
    [[`${TELEGRAM}.token.file`, /is empty/, /credentials/]],
  ],
  [
    'a variable that is none',
    channels('telegram: { token: { env: ‸"A-B" }, chats: [1] }'),
    [[`${TELEGRAM}.token.env`, /not the name of an environment variable/, /env: TELEGRAM_TOKEN/]],
  ],
  [
    'a token as a file',
    channels('telegram: { token: { file: ‸"123456789:AAFakeFakeFakeFakeFakeFake" }, chats: [1] }'),
    [[`${TELEGRAM}.token.file`, /not the path of a file/, /put the secret there/]],
  ],
  [
    'a token as a variable',
    channels('slack: { botToken: { env: ‸xoxb_1-22-fake }, appToken: { env: A }, channels: [C01] }'),
    [[`${SLACK}.botToken.env`, /not the name/, /SLACK_BOT_TOKEN/]],
  ],
]

testProblems(CASES)
