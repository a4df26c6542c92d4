import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { resolveBot, resolveNotice } from './notice-resolve.ts'
import type { ChannelKind } from './notices.ts'
import type { WrittenFile, WrittenProbe, WrittenService, WrittenTarget } from './schema.ts'
import type { HostConfig, ProbeSpec, ServiceSpec, SwitchSpec, TargetSpec } from './spec.ts'
import { DEFAULT_PER_DAY, DEFAULT_PER_HOUR, leastDeadManMs, placeOf, RUNNING_SYSTEM } from './targets.ts'

/**
 * From what was written to what is run: paths made absolute (against the file's folder), shorthands written out.
 * `channels` are in the order of the file, which the schema does not keep.
 */
export function resolveFile(
  written: WrittenFile,
  channels: readonly ChannelKind[],
  file: string,
  sha256: string,
): HostConfig {
  const folder = folderOf(file)
  const services = Object.entries(written.services).map(([name, service]) => resolveService(name, service, folder))
  const targets = Object.entries(written.targets).map(([name, target]) => resolveTarget(name, target, folder, services))
  return {
    host: written.host ?? hostFrom(hostname()),
    tz: written.tz,
    services,
    targets,
    switch: resolveSwitch(written.switch, targets),
    ledger: resolveLedger(written.ledger, folder),
    notice: resolveNotice(written, channels, folder),
    bot: resolveBot(written.bot, folder),
    sha256,
  }
}

function resolveLedger({ keep, archive, ...rest }: WrittenFile['ledger'], folder: string): HostConfig['ledger'] {
  if (keep === undefined) return rest
  return { ...rest, keep: { ms: keep, archive: archive === undefined ? null : resolve(folder, archive) } }
}

/** Where relative paths start from. */
export function folderOf(file: string): string {
  return dirname(resolve(file))
}

/** This machine's name, made to fit: small letters, digits, dots and dashes, at most 63. */
export function hostFrom(name: string): string {
  const fitting = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .slice(0, 63)
  return /[a-z0-9]/.test(fitting) ? fitting : 'localhost'
}

function resolveService(name: string, written: WrittenService, folder: string): ServiceSpec {
  const { backoff } = written.restart
  const cwd = resolve(folder, written.cwd ?? '.')
  const { memory, pids } = written.limits
  return {
    name,
    run: written.run ?? [],
    cwd,
    env: Object.fromEntries(Object.entries(written.env).map(([key, value]) => [key, String(value)])),
    ...(written.user === undefined ? {} : { user: written.user }),
    dependsOn: [...new Set(written.dependsOn)],
    probes: resolveProbes(written, cwd),
    restart: { firstMs: backoff.first, baseMs: backoff.base, capMs: backoff.cap, resetAfterMs: backoff.resetAfter },
    crashLoop: { failures: written.crashLoop.failures, withinMs: written.crashLoop.within },
    stop: { signal: written.stop.signal, timeoutMs: written.stop.timeout },
    limits: { ...(memory === undefined ? {} : { memoryBytes: memory }), ...(pids === undefined ? {} : { pids }) },
    logs: written.logs,
    critical: written.critical,
    ...(written.target === undefined ? {} : { target: written.target }),
  }
}

/** target-relations.ts has seen to it that there is a kind, a path, and nothing that does not belong to the kind. */
function resolveTarget(
  name: string,
  written: WrittenTarget,
  folder: string,
  services: readonly ServiceSpec[],
): TargetSpec {
  const { kind = 'releases', activate = [], irreversible } = written
  // All of them run as the same user, or the target says which (target-relations.ts). Its command has no more rights
  // than the services: whoever may put files into their folder could otherwise gain some.
  const shared = kind === 'releases' ? services.find(({ target }) => target === name)?.user : undefined
  const user = written.user ?? shared
  return {
    name,
    kind,
    path: placeOf(kind, written, folder) ?? folder,
    running: kind === 'nixos' ? resolve(folder, written.running ?? RUNNING_SYSTEM) : '',
    activate,
    ...(user === undefined ? {} : { user }),
    activationDeadlineMs: written.activationDeadline,
    blameWindowMs: written.blameWindow,
    irreversible: typeof irreversible === 'boolean' ? irreversible : [...new Set(irreversible)],
    keepGood: written.keepGood,
    checks: written.checks.map(check => resolveProbe(check, folder)),
  }
}

const DEFAULT_DEAD_MAN_MS = 300_000

function resolveSwitch(written: WrittenFile['switch'], targets: readonly TargetSpec[]): SwitchSpec {
  const { probation, passes, deadMan, budget } = written
  const leastMs = leastDeadManMs(
    probation,
    targets.map(target => target.activationDeadlineMs),
  )
  const perDay = budget.perDay ?? DEFAULT_PER_DAY
  return {
    probationMs: probation,
    passes,
    deadManMs: deadMan ?? Math.max(DEFAULT_DEAD_MAN_MS, leastMs),
    // Whoever writes only a smaller perDay, or 0 of it, has said all there is to say.
    budget: { perHour: budget.perHour ?? Math.min(DEFAULT_PER_HOUR, perDay), perDay },
  }
}

/** `health` is one check for two questions: has it come up, and is it still alive. */
function resolveProbes(written: WrittenService, cwd: string): ServiceSpec['probes'] {
  const { health, startup = health, readiness, liveness = health } = written
  return {
    ...(startup === undefined ? {} : { startup: resolveProbe(startup, cwd) }),
    ...(readiness === undefined ? {} : { readiness: resolveProbe(readiness, cwd) }),
    ...(liveness === undefined ? {} : { liveness: resolveProbe(liveness, cwd) }),
  }
}

function resolveProbe(written: WrittenProbe, cwd: string): ProbeSpec {
  return {
    check: resolveCheck(written, cwd),
    everyMs: written.every,
    timeoutMs: written.timeout,
    failures: written.failures,
    successes: written.successes,
    startupMs: written.startup,
  }
}

/** A heartbeat that is three rounds late is no heartbeat: the default of `maxAge`. */
const MISSED_ROUNDS = 3

/** relations.ts has seen to it that there is exactly one. */
function resolveCheck(written: WrittenProbe, cwd: string): ProbeSpec['check'] {
  const { http, tcp, exec, file, status, contains, maxAge } = written
  if (http !== undefined) {
    return {
      kind: 'http',
      url: http,
      ...(status === undefined ? {} : { status }),
      ...(contains === undefined ? {} : { contains }),
    }
  }
  if (tcp !== undefined) return { kind: 'tcp', ...tcp }
  if (exec !== undefined) return { kind: 'exec', argv: exec }
  // The service itself writes this file, so a relative path is meant from where the service runs.
  return { kind: 'file', path: resolve(cwd, file ?? '.'), maxAgeMs: maxAge ?? MISSED_ROUNDS * written.every }
}
