import type { ProcessHost } from '../../core/heal/host.ts'
import { openKernelLog } from './kernel-log.ts'
import { createProcessHost, type ProcessHostOptions } from './process.ts'
import type { UnitHost } from './systemd.ts'

/** All that a service can be on this host: processes of our own, and units of systemd. */
export function createServiceHost(options: ProcessHostOptions): ProcessHost {
  // One for both: it is read from its start, and looked at again and again.
  const kernelLog = openKernelLog()
  const processes = createProcessHost(options, kernelLog)
  /** Where no unit is configured, nothing of systemd is loaded. */
  let units: Promise<UnitHost> | null = null
  const names = new Set<string>()
  let knowsUnits = true
  const open = () => {
    units ??= import('./systemd.ts').then(systemd => systemd.createUnitHost(options.warn, kernelLog))
    return units
  }
  return {
    async seat(spec, onEnd, outside) {
      if (spec.unit === undefined) return processes.seat(spec, onEnd)
      names.add(spec.name)
      return (await open()).seat(spec.name, spec.unit, onEnd, outside)
    },
    others: names => processes.others?.(names) ?? [],
    endOther: async name => (await processes.endOther?.(name)) ?? null,
    async remove(name) {
      if (!names.delete(name)) return processes.remove(name)
      await (await units)?.remove(name)
    },
    forgetOther: name => processes.forgetOther?.(name),
    async units(patterns, named) {
      const host = await open()
      const answer = await host.units(patterns, named)
      knowsUnits = host.knowsUnits()
      return answer
    },
    knowsUnits: () => knowsUnits,
    onUnits: changed => void (changed === null ? units : open())?.then(host => host.onUnits(changed)),
  }
}
