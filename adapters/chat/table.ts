import type { OpenChannel } from '../../bot/channel.ts'
import type { ChannelSpec } from '../../core/config/channel-spec.ts'

type Of<Kind> = Extract<ChannelSpec, { readonly kind: Kind }>

/** The adapter of each kind of channel. Its module, and with it the SDK, is loaded only when a channel is opened. */
const ADAPTERS: { readonly [Kind in ChannelSpec['kind']]: () => Promise<OpenChannel<Of<Kind>>> } = {
  telegram: async () => (await import('./telegram.ts')).openTelegram,
  discord: async () => (await import('./discord.ts')).openDiscord,
  slack: async () => (await import('./slack.ts')).openSlack,
  whatsapp: async () => (await import('./whatsapp.ts')).openWhatsApp,
  console: async () => (await import('./console.ts')).openConsole,
}

export function openerOf({ kind }: ChannelSpec): OpenChannel {
  const load = ADAPTERS[kind] as () => Promise<OpenChannel>
  return async (spec, tools) => (await load())(spec, tools)
}
