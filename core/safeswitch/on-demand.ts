import type { HostConfig } from '../config/spec.ts'
import type { SafeSwitch, SafeSwitchOptions } from './safeswitch.ts'

export interface OnDemandOptions extends SafeSwitchOptions {
  /** Resolves when all services are taken up and the ledger's past is known: orders and questions wait for it. */
  readonly whenReady: () => Promise<unknown>
}

/** SafeSwitch, loaded only where something is configured to be switched: an idle daemon does without its memory. */
export function safeSwitchOnDemand(options: OnDemandOptions): SafeSwitch {
  let loaded: SafeSwitch | null = null
  let hasBegun = false

  async function load(): Promise<SafeSwitch> {
    const { createSafeSwitch } = await import('./safeswitch.ts')
    loaded ??= createSafeSwitch(options)
    if (hasBegun) loaded.begin()
    return loaded
  }
  async function ready(): Promise<SafeSwitch> {
    await options.whenReady()
    return loaded ?? load()
  }
  const isNeeded = (config: HostConfig) => config.targets.length > 0

  return {
    async take(config) {
      if (isNeeded(config)) await (await load()).take(config)
    },
    begin() {
      hasBegun = true
      loaded?.begin()
    },
    reserve: config => loaded?.reserve(config) ?? (() => {}),
    async apply(config) {
      if (loaded !== null || isNeeded(config)) await (await ready()).apply(config)
    },
    generationOf: target => loaded?.generationOf(target) ?? null,
    onLoop: service => loaded?.onLoop(service) ?? null,
    statuses: () => loaded?.statuses() ?? [],
    generations: async target => (await ready()).generations(target),
    changes: async (target, from, to) => (await ready()).changes(target, from, to),
    deploy: async (target, order, by) => (await ready()).deploy(target, order, by),
    rollback: async (target, order, by) => (await ready()).rollback(target, order, by),
    release: () => loaded?.release(),
  }
}
