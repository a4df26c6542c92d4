import type { Path } from './document.ts'
import {
  botShape,
  channelShapes,
  escalationShape,
  maintenanceShape,
  noticeShapes,
  routeShape,
} from './notice-schema.ts'
import { CHANNEL_KINDS } from './notices.ts'
import { probeShape, serviceShape, shapes, switchShape, targetShape, topShape } from './schema.ts'

/** The keys one map may have, and those that are promised for later versions: these are refused, never ignored. */
interface Section {
  readonly known: readonly string[]
  readonly later: readonly string[]
  /** Keys of the map at `path`, as a pattern: `*` stands for any name. */
  readonly pattern: readonly string[]
}

const probe = { known: Object.keys(probeShape), later: ['unit'] }
const SECTIONS: readonly Section[] = [
  {
    pattern: [],
    known: Object.keys(topShape),
    later: ['units', 'oncall', 'operators', 'policy', 'metrics'],
  },
  { pattern: ['services', '*'], known: Object.keys(serviceShape), later: ['unit'] },
  { pattern: ['services', '*', 'health'], ...probe },
  { pattern: ['services', '*', 'startup'], ...probe },
  { pattern: ['services', '*', 'readiness'], ...probe },
  { pattern: ['services', '*', 'liveness'], ...probe },
  { pattern: ['services', '*', 'restart'], known: Object.keys(shapes.restart), later: [] },
  { pattern: ['services', '*', 'restart', 'backoff'], known: Object.keys(shapes.backoff), later: [] },
  { pattern: ['services', '*', 'crashLoop'], known: Object.keys(shapes.crashLoop), later: [] },
  { pattern: ['services', '*', 'stop'], known: Object.keys(shapes.stop), later: [] },
  { pattern: ['services', '*', 'limits'], known: Object.keys(shapes.limits), later: [] },
  { pattern: ['services', '*', 'logs'], known: Object.keys(shapes.logs), later: [] },
  { pattern: ['targets', '*'], known: Object.keys(targetShape), later: [] },
  { pattern: ['targets', '*', 'checks', '*'], ...probe },
  { pattern: ['switch'], known: Object.keys(switchShape), later: [] },
  { pattern: ['switch', 'budget'], known: Object.keys(shapes.budget), later: [] },
  { pattern: ['ledger'], known: Object.keys(shapes.ledger), later: [] },
  { pattern: ['channels'], known: CHANNEL_KINDS, later: [] },
  ...CHANNEL_KINDS.map(kind => ({
    pattern: ['channels', kind],
    known: Object.keys(channelShapes[kind]),
    later: [],
  })),
  { pattern: ['routes', '*'], known: Object.keys(routeShape), later: [] },
  { pattern: ['routes', '*', 'match'], known: Object.keys(noticeShapes.match), later: [] },
  { pattern: ['notify'], known: Object.keys(noticeShapes.notify), later: [] },
  { pattern: ['notify', 'flap'], known: Object.keys(noticeShapes.flap), later: [] },
  { pattern: ['escalation', '*'], known: Object.keys(escalationShape), later: [] },
  { pattern: ['maintenance', '*'], known: Object.keys(maintenanceShape), later: [] },
  { pattern: ['maintenance', '*', 'match'], known: Object.keys(noticeShapes.match), later: [] },
  { pattern: ['bot'], known: Object.keys(botShape), later: [] },
]

/** An example of what a map at `path` looks like, for hints. */
const EXAMPLES: readonly (readonly [readonly string[], string])[] = [
  [['services'], 'services: { web: { run: [node, web.js] } }'],
  [['services', '*'], '{ run: [node, web.js] }'],
  [['services', '*', 'health'], 'health: { http: "http://127.0.0.1:8080/healthz" }'],
  [['services', '*', 'startup'], 'startup: { tcp: "127.0.0.1:8080" }'],
  [['services', '*', 'readiness'], 'readiness: { tcp: "127.0.0.1:8080" }'],
  [['services', '*', 'liveness'], 'liveness: { tcp: "127.0.0.1:8080" }'],
  [['services', '*', 'restart'], 'restart: { backoff: { cap: 30s } }'],
  [['services', '*', 'restart', 'backoff'], 'backoff: { base: 200ms, cap: 30s }'],
  [['services', '*', 'crashLoop'], 'crashLoop: { failures: 3, within: 60s }'],
  [['services', '*', 'stop'], 'stop: { signal: SIGTERM, timeout: 5s }'],
  [['services', '*', 'limits'], 'limits: { memory: 512MiB }'],
  [['services', '*', 'logs'], 'logs: { maxBytes: 10MiB, keep: 3 }'],
  [['services', '*', 'env'], 'env: { PORT: "8080" }'],
  [['targets'], 'targets: { app: { kind: releases, path: /srv/app } }'],
  [['targets', '*'], '{ kind: releases, path: /srv/app }'],
  [['targets', '*', 'checks'], 'checks: [{ http: "http://127.0.0.1:8080/healthz" }]'],
  [['targets', '*', 'checks', '*'], '{ http: "http://127.0.0.1:8080/healthz" }'],
  [['switch'], 'switch: { probation: 2m }'],
  [['switch', 'budget'], 'budget: { perHour: 2, perDay: 4 }'],
  [['ledger'], 'ledger: { fsync: true }'],
  [['channels'], 'channels: { telegram: { token: { file: /run/credentials/telegram }, chats: [-1001234567890] } }'],
  [['channels', 'telegram'], 'telegram: { token: { file: /run/credentials/telegram }, chats: [-1001234567890] }'],
  [['channels', 'discord'], 'discord: { token: { env: DISCORD_TOKEN }, channels: ["112233445566778899"] }'],
  [
    ['channels', 'slack'],
    'slack: { botToken: { env: SLACK_BOT_TOKEN }, appToken: { env: SLACK_APP_TOKEN }, channels: [C012AB3CD] }',
  ],
  [['channels', 'whatsapp'], 'whatsapp: { chats: ["4915112345678@c.us"] }'],
  [['channels', 'console'], 'console: {}'],
  [['routes'], 'routes: [{ match: { severity: critical }, to: telegram }, { to: slack }]'],
  [['routes', '*'], '{ match: { severity: critical }, to: [telegram, slack] }'],
  [['routes', '*', 'match'], 'match: { severity: [warning, critical], service: "web-*" }'],
  [['notify'], 'notify: { logs: true }'],
  [['notify', 'flap'], 'flap: { changes: 4, within: 10m }'],
  [['escalation'], 'escalation: [{ after: 5m, to: [telegram, slack] }]'],
  [['escalation', '*'], '{ after: 5m, to: [telegram, slack] }'],
  [['maintenance'], 'maintenance: [{ cron: "0 3 * * SUN", for: 1h, why: backup }]'],
  [['maintenance', '*'], '{ cron: "0 3 * * SUN", for: 1h, why: backup }'],
  [['maintenance', '*', 'match'], 'match: { service: "web-*" }'],
  [['bot'], 'bot: { user: heald-bot }'],
]

export function sectionAt(path: Path): Section | undefined {
  return SECTIONS.find(section => matches(section.pattern, path))
}

export function exampleAt(path: Path): string | undefined {
  return EXAMPLES.find(([pattern]) => matches(pattern, path))?.[1]
}

function matches(pattern: readonly string[], path: Path): boolean {
  return pattern.length === path.length && pattern.every((part, index) => part === '*' || part === path[index])
}
