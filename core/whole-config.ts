import type { HostConfig } from './config/spec.ts'
import { withUnits } from './config/unit-services.ts'
import type { DaemonOptions } from './daemon.ts'
import type { ProcessHost } from './heal/host.ts'

/** Reads the configuration, and adds what is not written in it: the bot where there are channels, and units by pattern. */
export function wholeConfig(
  { state, socket, version, forTests, loadConfig }: DaemonOptions,
  host: () => ProcessHost,
): () => Promise<HostConfig> {
  return async () => {
    const read = await loadConfig()
    const config = read.units.length === 0 ? read : withUnits(read, (await host().units?.(read.units)) ?? [])
    if (config.notice.channels.length === 0) return config
    const { withBot } = await import('./notice/bot-service.ts')
    return withBot(config, { state, socket, version, env: process.env, ...forTests })
  }
}
