import { z } from 'zod'
import { argv, duration, flag, integer, leaf, listOf, size, text } from './leaf.ts'
import { checkHttp, checkRedact, checkSignal, checkTcp, checkUser, checkZone } from './leaves.ts'
import { botShape, channelMaps, escalationShape, maintenanceShape, noticeShapes, routeShape } from './notice-schema.ts'
import { MAX_ESCALATION, MAX_MAINTENANCE, MAX_ROUTES } from './notices.ts'
import { readList, readText } from './read.ts'
import { checkIrreversible, checkKind } from './target-leaves.ts'
import {
  DEFAULT_ACTIVATION_MS,
  DEFAULT_PROBATION_MS,
  LEAST_ACTIVATION_MS,
  LEAST_PROBATION_MS,
  MAX_CHECKS,
  MOST_A_DAY,
  MOST_ACTIVATION_MS,
  MOST_PROBATION_MS,
  type TargetKind,
} from './targets.ts'

/**
 * The file's shape as people write it. Each key is read by one small function; a key left out is undefined or its
 * default. What concerns several keys at once is in relations.ts, because zod skips such checks once a part failed,
 * and a person wants every error at once.
 */

/** Variables are checked in relations.ts, where the message can name the key without showing the value. */
const environment = z.record(z.string(), z.unknown())

export const probeShape = {
  http: leaf<string>(checkHttp).optional(),
  tcp: leaf<{ host: string; port: number }>(checkTcp).optional(),
  exec: argv.optional(),
  file: text('run/heartbeat').optional(),
  every: duration(10).default(5000),
  timeout: duration(10).default(1000),
  failures: integer(1, 1000).default(3),
  successes: integer(1, 1000).default(1),
  startup: duration(10).default(30_000),
  status: integer(100, 599).optional(),
  contains: text('"ok"').optional(),
  maxAge: duration(10).optional(),
}
const probe = z.strictObject(probeShape)

const checks = listOf(probe, MAX_CHECKS)

const backoff = {
  first: duration(0).default(0),
  base: duration(1).default(200),
  cap: duration(1).default(30_000),
  resetAfter: duration(1).default(60_000),
}

export const shapes = {
  backoff,
  restart: { backoff: z.strictObject(backoff).prefault({}) },
  crashLoop: { failures: integer(2, 1000).default(3), within: duration(1000).default(60_000) },
  stop: { signal: leaf<NodeJS.Signals>(checkSignal).default('SIGTERM'), timeout: duration(0).default(10_000) },
  limits: { memory: size(1024 * 1024).optional(), pids: integer(1, 4_194_304).optional() },
  logs: { maxBytes: size(4096).default(10 * 1024 * 1024), keep: integer(0, 100).default(3) },
  budget: { perHour: integer(0, MOST_A_DAY).optional(), perDay: integer(0, MOST_A_DAY).optional() },
  ledger: {
    fsync: flag.default(true),
    redact: leaf<string[]>(checkRedact).default([]),
    checkpointEvery: duration(1000).default(10_000),
    keep: duration(86_400_000, 36_500 * 86_400_000).optional(),
    archive: text('/mnt/archive/heald').optional(),
  },
}

export const serviceShape = {
  run: argv.optional(),
  cwd: text('/srv/app').optional(),
  env: environment.default({}),
  user: leaf<string>(checkUser).optional(),
  dependsOn: leaf<string[]>(value =>
    readList(value, 'a list of services, like [database]', name => readText(name, 'database')),
  ).default([]),
  health: probe.optional(),
  startup: probe.optional(),
  readiness: probe.optional(),
  liveness: probe.optional(),
  restart: z.strictObject(shapes.restart).prefault({}),
  crashLoop: z.strictObject(shapes.crashLoop).prefault({}),
  stop: z.strictObject(shapes.stop).prefault({}),
  limits: z.strictObject(shapes.limits).prefault({}),
  logs: z.strictObject(shapes.logs).prefault({}),
  critical: flag.default(false),
  target: text('app').optional(),
}

/** Which of these a target may have depends on its kind: target-relations.ts. */
export const targetShape = {
  kind: leaf<TargetKind>(checkKind).optional(),
  path: text('/srv/app').optional(),
  profile: text('/nix/var/nix/profiles/app').optional(),
  running: text('/run/current-system').optional(),
  activate: argv.optional(),
  user: leaf<string>(checkUser).optional(),
  activationDeadline: duration(LEAST_ACTIVATION_MS, MOST_ACTIVATION_MS).default(DEFAULT_ACTIVATION_MS),
  blameWindow: duration(0).default(86_400_000),
  irreversible: leaf<boolean | string[]>(checkIrreversible).default(false),
  keepGood: integer(1, 10).default(3),
  checks: checks.default([]),
}

export const switchShape = {
  probation: duration(LEAST_PROBATION_MS, MOST_PROBATION_MS).default(DEFAULT_PROBATION_MS),
  passes: integer(1, 1000).default(3),
  // What is too short depends on the rest: target-relations.ts.
  deadMan: duration(0).optional(),
  budget: z.strictObject(shapes.budget).prefault({}),
}

export const topShape = {
  host: text('web-1').optional(),
  tz: leaf<string>(checkZone).default('UTC'),
  services: z.record(z.string(), z.strictObject(serviceShape)).default({}),
  targets: z.record(z.string(), z.strictObject(targetShape)).default({}),
  switch: z.strictObject(switchShape).prefault({}),
  ledger: z.strictObject(shapes.ledger).prefault({}),
  channels: z.strictObject(channelMaps).prefault({}),
  routes: listOf(z.strictObject(routeShape), MAX_ROUTES).optional(),
  notify: z.strictObject(noticeShapes.notify).prefault({}),
  escalation: listOf(z.strictObject(escalationShape), MAX_ESCALATION).default([]),
  fallback: argv.default([]),
  maintenance: listOf(z.strictObject(maintenanceShape), MAX_MAINTENANCE).default([]),
  bot: z.strictObject(botShape).prefault({}),
}

export const fileSchema = z.strictObject(topShape)
export type WrittenFile = z.output<typeof fileSchema>
export type WrittenService = WrittenFile['services'][string]
export type WrittenTarget = WrittenFile['targets'][string]
export type WrittenProbe = NonNullable<WrittenService['health']>
