import type { Path } from './document.ts'
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
    later: [
      'units',
      'bot',
      'channels',
      'routes',
      'notify',
      'escalation',
      'fallback',
      'oncall',
      'maintenance',
      'operators',
      'policy',
      'metrics',
    ],
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
  { pattern: ['ledger'], known: Object.keys(shapes.ledger), later: ['checkpointEvery', 'keep', 'archive'] },
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
