import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { WrittenFile, WrittenProbe, WrittenService } from './schema.ts'
import type { HostConfig, ProbeSpec, ServiceSpec } from './spec.ts'

/** From what was written to what is run: paths made absolute (against the file's folder), shorthands written out. */
export function resolveFile(written: WrittenFile, file: string, sha256: string): HostConfig {
  const folder = dirname(resolve(file))
  return {
    host: written.host ?? hostFrom(hostname()),
    tz: written.tz,
    services: Object.entries(written.services).map(([name, service]) => resolveService(name, service, folder)),
    targets: [],
    switch: { probationMs: 120_000, passes: 3, deadManMs: 300_000, budget: { perHour: 2, perDay: 4 } },
    ledger: written.ledger,
    sha256,
  }
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
