import { type Case, testProblems } from './marked.ts'

const WEAK = { isRoot: false, canLimit: { memory: false, pids: false } }

/** A file of channels of which only the keys are written. */
const channels = (keys: string) => `channels:\n${keys.replaceAll(/^/gm, '  ')}\n`
const telegram = (keys: string) => channels(`telegram: { token: { env: T }, ${keys} }`)
const discord = (keys: string) => channels(`discord: { token: { env: T }, ${keys} }`)
const slack = (keys: string) => channels(`slack: { botToken: { env: B }, ${keys} }`)
const TELEGRAM = 'channels.telegram'
const DISCORD = 'channels.discord'
const SLACK = 'channels.slack'
const GOOD = 'telegram: { token: { env: T }, chats: [1] }'

const CASES: readonly Case[] = [
  // Shapes
  ['channels in a list', 'channels: ‸[telegram]\n', [['channels', /a map of keys, not a list/, /telegram: \{ token/]]],
  ['channels of nothing', '‸channels:\n', [['channels', /nothing in it/, /or remove/]]],
  ['a near channel', channels('‸telegramm: {}'), [['channels.telegramm', /unknown key/, /"telegram"/]]],
  ['a far channel', channels('‸email: {}'), [['channels.email', /unknown/, /are telegram, discord, slack, whatsapp/]]],
  ['a channel of nothing', channels('‸telegram:'), [[TELEGRAM, /nothing in it/, /telegram: \{ token: \{ file/]]],
  ['a console of nothing', channels('‸console:'), [['channels.console', /nothing in it/, /console: \{\}/]]],
  ['a dangerous channel', channels('‸__proto__: {}'), [['channels.__proto__', /usable name/, /choose/]]],
  ['a near key', telegram('chats: [1], ‸quiethours: a'), [[`${TELEGRAM}.quiethours`, /unknown/, /"quietHours"/]]],
  ['another’s key', telegram('chats: [1], ‸apiUrl: a'), [[`${TELEGRAM}.apiUrl`, /unknown key/, /"apiRoot"|keys here/]]],
  [
    'a near key of discord',
    discord('‸channel: ["1"], channels: ["1"]'),
    [[`${DISCORD}.channel`, /unknown/, /"channels"/]],
  ],
  [
    'nothing that it takes',
    channels('‸‸telegram: {}'),
    [
      [TELEGRAM, /no key "token"/, /write telegram: \{ token/],
      [TELEGRAM, /no key "chats"/, /chats: \[-100/],
    ],
  ],
  [
    'nothing that Discord takes',
    channels('‸‸discord: {}'),
    [
      [DISCORD, /no key "token"/, /write discord: \{ token/],
      [DISCORD, /no key "channels"/, /channels: \["112/],
    ],
  ],
  // Chats
  ['no chat', telegram('chats: ‸[]'), [[`${TELEGRAM}.chats`, /names no chat/, /at least one, like \[-100/]]],
  ['chats of nothing', telegram('‸chats: '), [[`${TELEGRAM}.chats`, /must be a list, not nothing/, /\[-100/]]],
  ['chats in a map', telegram('chats: ‸{ a: 1 }'), [[`${TELEGRAM}.chats`, /must be a list, not a map/, /\[-100/]]],
  ['a chat twice', telegram('chats: [1, 2, ‸"1"]'), [[`${TELEGRAM}.chats[2]`, /twice/, /keep one/]]],
  [
    'a name at Telegram',
    telegram('chats: [‸"@ops"]'),
    [[`${TELEGRAM}.chats[0]`, /is a name, and bots need the number/, /-1001234567890.*getUpdates/]],
  ],
  ['a single name', telegram('chats: ‸"@ops"'), [[`${TELEGRAM}.chats`, /is a name/, /getUpdates/]]],
  ['text at Telegram', telegram('chats: [‸ops]'), [[`${TELEGRAM}.chats[0]`, /not the number of a chat/, /getUpdates/]]],
  ['part of a number', telegram('chats: [‸1.5]'), [[`${TELEGRAM}.chats[0]`, /not the number/, /-100/]]],
  ['a zero', telegram('chats: [‸0]'), [[`${TELEGRAM}.chats[0]`, /not the number/, /-100/]]],
  [
    'a number that is too large',
    telegram('chats: [‸-10012345678901234567]'),
    [[`${TELEGRAM}.chats[0]`, /not the number/, /-100/]],
  ],
  ['true at Telegram', telegram('chats: [‸true]'), [[`${TELEGRAM}.chats[0]`, /must be a number, not true/, /-100/]]],
  [
    'a bare number at Discord',
    discord('channels: [‸112233445566778899]'),
    [[`${DISCORD}.channels[0]`, /in quotes: YAML loses digits/, /"112233445566778899"/]],
  ],
  ['a name at Discord', discord('channels: [‸"#ops"]'), [[`${DISCORD}.channels[0]`, /is a name/, /Copy Channel ID/]]],
  ['text at Discord', discord('channels: [‸ops]'), [[`${DISCORD}.channels[0]`, /not the number of a channel/, /Copy/]]],
  [
    'more than a snowflake',
    discord('channels: [‸"18446744073709551616"]'),
    [[`${DISCORD}.channels[0]`, /not the number/, /"1122/]],
  ],
  [
    'a name at Slack',
    slack('appToken: { env: A }, channels: [‸"#ops"]'),
    [[`${SLACK}.channels[0]`, /is a name, and bots need the id/, /C012AB3CD.*channel's details/]],
  ],
  [
    'a person at Slack',
    slack('appToken: { env: A }, channels: [‸U012AB3CD]'),
    [[`${SLACK}.channels[0]`, /is a person/, /begins with D/]],
  ],
  [
    'small letters at Slack',
    slack('appToken: { env: A }, channels: [‸c012]'),
    [[`${SLACK}.channels[0]`, /not the id of a channel/, /C012AB3CD/]],
  ],
  [
    'a number at Slack',
    slack('appToken: { env: A }, channels: [‸12]'),
    [[`${SLACK}.channels[0]`, /must be text/, /C012AB3CD/]],
  ],
  [
    'a number at WhatsApp',
    channels(`${GOOD}\nwhatsapp: { chats: [‸4915112345678] }`),
    [['channels.whatsapp.chats[0]', /end in @c\.us/, /49151.*@g\.us/]],
  ],
  [
    'a plus at WhatsApp',
    channels(`${GOOD}\nwhatsapp: { chats: [‸"+4915112345678@c.us"] }`),
    [['channels.whatsapp.chats[0]', /not the id of a chat/, /without \+/]],
  ],
  [
    'a name at WhatsApp',
    channels(`${GOOD}\nwhatsapp: { chats: [‸ops] }`),
    [['channels.whatsapp.chats[0]', /not end in/, /49151/]],
  ],
  ['no chats at WhatsApp', channels(`${GOOD}\n‸whatsapp: {}`), [['channels.whatsapp', /no key "chats"/, /49151/]]],
  // Slack's two ways
  [
    'Slack by no way',
    channels('‸slack: { botToken: { env: B }, channels: [C01] }'),
    [[SLACK, /no key "appToken"/, /signingSecret and port/]],
  ],
  [
    'Slack by both ways',
    slack('appToken: { env: A }, ‸signingSecret: { env: S }, ‸port: 3000, channels: [C01]'),
    [
      [`${SLACK}.signingSecret`, /stands beside appToken/, /keep appToken/],
      [`${SLACK}.port`, /stands beside appToken/, /keep appToken/],
    ],
  ],
  [
    'Slack without a port',
    channels('‸slack: { botToken: { env: B }, signingSecret: { env: S }, channels: [C01] }'),
    [[SLACK, /no key "port", which HTTP/, /port: 3000/]],
  ],
  [
    'Slack without a signing secret',
    channels('‸slack: { botToken: { env: B }, port: 3000, channels: [C01] }'),
    [[SLACK, /no key "signingSecret"/, /SLACK_SIGNING_SECRET/]],
  ],
  [
    'a port of none',
    slack('signingSecret: { env: S }, port: ‸0, channels: [C01]'),
    [[`${SLACK}.port`, /out of range/, /65535/]],
  ],
  // Addresses
  [
    'a plain address',
    telegram('chats: [1], apiRoot: ‸"http://bots.example"'),
    [[`${TELEGRAM}.apiRoot`, /for everybody to read/, /https; plain http is for this host/]],
  ],
  [
    'an address in the network',
    discord('channels: ["1"], apiUrl: ‸"http://10.0.0.1/api"'),
    [[`${DISCORD}.apiUrl`, /for everybody to read/, /https/]],
  ],
  [
    'another protocol',
    discord('channels: ["1"], apiUrl: ‸"ftp://a/"'),
    [[`${DISCORD}.apiUrl`, /not an http or https URL/, /discord\.com\/api/]],
  ],
  [
    'an address with a login',
    telegram('chats: [1], apiRoot: ‸"https://a:b@c/"'),
    [[`${TELEGRAM}.apiRoot`, /name or password/, /remove/]],
  ],
  [
    'an address with a question',
    telegram('chats: [1], apiRoot: ‸"https://a/?b=1"'),
    [[`${TELEGRAM}.apiRoot`, /a \? or a #/, /only the address/]],
  ],
  [
    'an address that is none',
    telegram('chats: [1], apiRoot: ‸api'),
    [[`${TELEGRAM}.apiRoot`, /not a URL/, /api\.telegram\.org/]],
  ],
  [
    'a port as an address',
    telegram('chats: [1], apiRoot: ‸8081'),
    [[`${TELEGRAM}.apiRoot`, /URL, not a number/, /api\.telegram\.org/]],
  ],
  // Times of day
  [
    'quiet text',
    telegram('chats: [1], quietHours: ‸night'),
    [[`${TELEGRAM}.quietHours`, /two times of day/, /22:00-07:00/]],
  ],
  [
    'three times',
    telegram('chats: [1], quietHours: ‸"1:00-2:00-3:00"'),
    [[`${TELEGRAM}.quietHours`, /two times/, /22:00/]],
  ],
  [
    'an hour too many',
    telegram('chats: [1], quietHours: ‸"22:00-24:00"'),
    [[`${TELEGRAM}.quietHours`, /two times/, /22:00/]],
  ],
  [
    'no time at all',
    telegram('chats: [1], quietHours: ‸"7:00-07:00"'),
    [[`${TELEGRAM}.quietHours`, /end where they begin/, /remove/]],
  ],
  [
    'a digest of text',
    telegram('chats: [1], quietHours: "1:00-2:00", digest: ‸soon'),
    [[`${TELEGRAM}.digest`, /not a time of day/, /"08:00"/]],
  ],
  [
    'a digest of a number',
    telegram('chats: [1], quietHours: "1:00-2:00", digest: ‸8'),
    [[`${TELEGRAM}.digest`, /must be text/, /"08:00"/]],
  ],
  [
    'a digest of nothing',
    telegram('chats: [1], ‸digest: "8:00"'),
    [[`${TELEGRAM}.digest`, /nothing to tell without quietHours/, /add them/]],
  ],
  // WhatsApp's browser
  [
    'a browser’s name',
    channels(`${GOOD}\nwhatsapp: { chats: ["12345@c.us"], browser: ‸chromium }`),
    [['channels.whatsapp.browser', /not a path/, /\/usr\/bin\/chromium/]],
  ],
  [
    'arguments in a line',
    channels(`${GOOD}\nwhatsapp: { chats: ["12345@c.us"], browserArgs: ‸"-a -b" }`),
    [['channels.whatsapp.browserArgs', /must be a list/, /--disable-gpu/]],
  ],
  [
    'WhatsApp alone',
    channels('‸whatsapp: { chats: ["12345@c.us"] }'),
    [['channels.whatsapp', /only channel that reaches/, /can be banned/]],
  ],
  [
    'WhatsApp and a console',
    channels('console: {}\n‸whatsapp: { chats: ["12345@c.us"] }'),
    [['channels.whatsapp', /only channel that reaches/, /add telegram/]],
  ],
  // The bot
  [
    'a service of its name',
    `services: { ‸bot: { run: x } }\n${channels(GOOD)}`,
    [['services.bot', /heald runs its channels with/, /another name/]],
  ],
  ['a bot in a list', 'bot: ‸[child]\n', [['bot', /a map of keys, not a list/, /bot: \{ user/]]],
  ['a bot’s near key', 'bot: { ‸users: a }\n', [['bot.users', /unknown/, /"user"/]]],
  ['a bot run otherwise', 'bot: { run: ‸units }\n', [['bot.run', /not how the bot is run/, /did you mean unit\?/]]],
  [
    'a unit’s user without root',
    'bot: { run: unit, user: ‸a }\n',
    [['bot.user', /heald to run as root/, /remove/]],
    WEAK,
  ],
  ['a bot’s user without root', 'bot: { user: ‸a }\n', [['bot.user', /heald to run as root/, /remove/]], WEAK],
  ['a bot’s user that is none', 'bot: { user: ‸"a b" }\n', [['bot.user', /not the name of a user/, /www-data/]]],
  ['a bot’s state of nothing', 'bot: { ‸state: }\n', [['bot.state', /must be text/, /heald-bot/]]],
]

testProblems(CASES)
