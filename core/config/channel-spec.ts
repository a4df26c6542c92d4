/** Where a secret is read from, each time it is needed: it is itself never part of the configuration. */
export type SecretSpec = { readonly file: string } | { readonly env: string }

/** Hours in which nothing but what is critical makes a sound, `HH:MM` in the host's time zone; `from` may be after `to`. */
export interface QuietHours {
  readonly from: string
  readonly to: string
}

interface CommonSpec {
  /** The platform's ids of chats or channels that notices go to; at least one, each once. */
  readonly chats: readonly string[]
  readonly quietHours: QuietHours | null
  /** When what quiet hours have held back is told in one message, `HH:MM`; null: at their end. */
  readonly digest: string | null
}

export interface TelegramSpec extends CommonSpec {
  readonly kind: 'telegram'
  readonly token: SecretSpec
  /** Of the Bot API server, without a slash at its end. */
  readonly apiRoot: string
}

export interface DiscordSpec extends CommonSpec {
  readonly kind: 'discord'
  readonly token: SecretSpec
  /** Of the REST API up to and with `/api`; the gateway's address is asked for there. */
  readonly apiUrl: string
}

export interface SlackSpec extends CommonSpec {
  readonly kind: 'slack'
  readonly botToken: SecretSpec
  /** Socket mode; null: `http` is used. */
  readonly appToken: SecretSpec | null
  /** Requests come in by HTTP, signed with this secret, on this port of loopback; null: socket mode. */
  readonly http: { readonly signingSecret: SecretSpec; readonly port: number } | null
  /** Of the Web API, with a slash at its end. */
  readonly apiUrl: string
}

export interface WhatsAppSpec extends CommonSpec {
  readonly kind: 'whatsapp'
  /** Path of a Chromium; null: the one on the PATH. */
  readonly browser: string | null
  readonly browserArgs: readonly string[]
}

export interface ConsoleSpec extends CommonSpec {
  readonly kind: 'console'
}

export type ChannelSpec = TelegramSpec | DiscordSpec | SlackSpec | WhatsAppSpec | ConsoleSpec
