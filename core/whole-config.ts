import type { HostConfig } from './config/spec.ts'
import { withUnits } from './config/unit-services.ts'
import type { DaemonOptions } from './daemon.ts'
import type { ProcessHost } from './heal/host.ts'

/** Reads the configuration, and adds what is not written in it: the bot where there are channels, and units by pattern. */
export function wholeConfig(
  { state, socket, version, forTests, loadConfig, warn }: DaemonOptions,
  host: () => ProcessHost,
): () => Promise<HostConfig> {
  /** Said already: units come and go, and each time all are looked at. */
  const said = new Set<string>()
  function leftOut(unit: string, why: string): void {
    const text = `${unit} is not looked after: ${why}; give it a service of its own in the configuration`
    if (!said.has(text)) warn(text)
    said.add(text)
  }
  return async () => {
    const read = await loadConfig()
    const config = read.units.length === 0 ? read : withUnits(read, (await host().units?.(read.units)) ?? [], leftOut)
    if (config.notice.channels.length === 0) return config
    const { withBot } = await import('./notice/bot-service.ts')
    return withBot(config, { state, socket, version, env: process.env, ...forTests })
  }
}
