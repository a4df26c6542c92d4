import { isDeepStrictEqual } from 'node:util'
import type { HostConfig } from './config/spec.ts'
import { withUnits } from './config/unit-services.ts'
import type { DaemonOptions } from './daemon.ts'
import type { ProcessHost } from './heal/host.ts'

/** The configuration, with what is not written in it: the bot where there are channels, and units by pattern. */
export interface WholeConfig {
  /** Reads it from the file. */
  read(): Promise<HostConfig>
  /** As `config` was read, with the units of now; null: they are the same. What stands in the file by now is not looked at. */
  again(config: HostConfig): Promise<HostConfig | null>
}

export function wholeConfig(
  { state, socket, version, forTests, loadConfig, warn }: DaemonOptions,
  host: () => ProcessHost,
): WholeConfig {
  /** What was written, of each that was made whole. */
  const written = new WeakMap<HostConfig, HostConfig>()
  /** Said already: units come and go, and each time all are looked at. */
  const said = new Set<string>()
  function leftOut(unit: string, why: string): void {
    const text = `${unit} is not looked after: ${why}; give it a service of its own in the configuration`
    if (!said.has(text)) warn(text)
    said.add(text)
  }
  async function whole(file: HostConfig): Promise<HostConfig> {
    const named = file.services.flatMap(({ unit }) => unit ?? [])
    const units = file.units.length === 0 ? [] : ((await host().units?.(file.units, named)) ?? [])
    let config = withUnits(file, units, leftOut)
    if (config.notice.channels.length > 0) {
      const { withBot } = await import('./notice/bot-service.ts')
      config = withBot(config, { state, socket, version, env: process.env, ...forTests })
    }
    written.set(config, file)
    return config
  }
  return {
    read: async () => whole(await loadConfig()),
    async again(config) {
      const next = await whole(written.get(config) ?? config)
      return isDeepStrictEqual(unitsOf(next), unitsOf(config)) ? null : next
    },
  }
}

function unitsOf({ services }: HostConfig): readonly (string | undefined)[] {
  return services.map(service => service.unit)
}
