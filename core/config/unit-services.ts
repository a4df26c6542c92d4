import { isUsableName } from './names.ts'
import type { HostConfig, ServiceSpec } from './spec.ts'

/** A unit has its own TimeoutStopSec; heald steps in only when systemd itself does not get on. */
export const UNIT_STOP = { signal: 'SIGTERM', timeoutMs: 600_000 } as const

/**
 * The configuration with a service for each of `units` (names of units that its patterns name) that has none yet.
 * `leftOut` is told of each that can't have one.
 */
export function withUnits(
  config: HostConfig,
  units: readonly string[],
  leftOut: (unit: string, why: string) => void,
): HostConfig {
  const known = new Set(config.services.map(service => service.unit))
  const names = new Set(config.services.map(service => service.name))
  const found: ServiceSpec[] = []
  for (const unit of [...units].sort()) {
    const name = serviceNameOf(unit)
    if (known.has(unit)) continue
    // Two units may come to the same name: the first has it, and the other needs a service of its own in the file.
    if (names.has(name) || !isUsableName(name)) {
      leftOut(unit, names.has(name) ? `another service is named ${name}` : 'its name is none for a service')
      continue
    }
    names.add(name)
    found.push(plainUnit(name, unit))
  }
  return found.length === 0 ? config : { ...config, services: [...config.services, ...found] }
}

/** `agent-1.service` is `agent-1`, `Worker@3.service` is `worker-3`. */
export function serviceNameOf(unit: string): string {
  return unit
    .replace(/\.service$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
}

/** A unit of which nothing more is said: systemd's word alone tells how it is. */
function plainUnit(name: string, unit: string): ServiceSpec {
  return {
    ...{ name, unit, run: [], cwd: '/', env: {}, dependsOn: [], probes: {}, limits: {}, critical: false },
    restart: { firstMs: 0, baseMs: 200, capMs: 30_000, resetAfterMs: 60_000 },
    crashLoop: { failures: 3, withinMs: 60_000 },
    stop: UNIT_STOP,
    logs: { maxBytes: 10 * 1024 * 1024, keep: 3 },
  }
}
