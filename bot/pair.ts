import { accessSync, constants, existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { type Context, EXIT, type Values } from '../core/cli/command.ts'
import type { WhatsAppSpec } from '../core/config/channel-spec.ts'
import { findConfig } from '../core/config/find.ts'
import { loadConfigApart } from '../core/config/load-apart.ts'
import type { HostConfig } from '../core/config/spec.ts'
import { asFault, Fault } from '../core/fault.ts'
import { WHATSAPP_SOCKET } from '../core/install/unit-text.ts'
import { botFolder } from '../core/notice/bot-service.ts'
import { mustBeOwn } from '../core/owner.ts'

/** Links the bot to a telephone, as an adapter does it. Rejects with a reason and a hint for people. */
export type Pair = (
  spec: WhatsAppSpec,
  tools: { readonly folder: string; readonly socket: string | null; readonly signal: AbortSignal },
  view: {
    showQr(text: string): void
    showCode(code: string): void
    showTrouble(text: string): void
    readonly phoneNumber?: string
  },
) => Promise<void>

/** Who asks on this host, and where WhatsApp's own unit is reached. */
export interface PairHost {
  readonly isRoot: boolean
  readonly socket: string
}

const HERE: PairHost = { isRoot: process.getuid?.() === 0, socket: WHATSAPP_SOCKET }

/** `heald whatsapp pair`: shows a code in the terminal until a telephone has scanned it. */
export async function run(
  context: Context,
  words: readonly string[],
  values: Values,
  pair: Pair,
  host: PairHost = HERE,
): Promise<number> {
  if (words.length !== 1 || words[0] !== 'pair')
    throw new Fault('usage.words', 'what is to be done with WhatsApp?', { hint: 'write: heald whatsapp pair' })
  const path = findConfig(typeof values.config === 'string' ? values.config : undefined, process.cwd())
  if (path === null)
    throw new Fault('config.missing', 'there is no heald.yaml here', { hint: 'say which one: --config FILE' })
  const config = await loadConfigApart(path)
  const spec = config.notice.channels.find(channel => channel.kind === 'whatsapp')
  if (spec === undefined) {
    const hint = 'add "channels: { whatsapp: { chats: [...] } }" first; see docs/configuration.md'
    throw new Fault('channel.unknown', `${path} has no channel whatsapp`, { hint })
  }
  const socket = socketOf(config, host)
  const { user } = config.bot
  if (socket === null && user !== null && user !== userInfo().username) {
    const hint = `run it as that user, which has to own the session: sudo -u ${user} heald whatsapp pair`
    throw new Fault('usage.user', `the bot runs as ${user}, and you are ${userInfo().username}`, { hint })
  }
  // Without a user of its own the bot runs as heald does.
  if (socket === null && user === null) mustBeOwn(context.state)
  const number = typeof values.phone === 'string' ? { phoneNumber: values.phone } : {}
  context.err(
    'This number can be banned for being used by a program: WhatsApp has no official way for bots like this.\n',
  )
  context.err('Take one that you can do without. Starting the browser …\n')
  try {
    await pair(
      spec,
      { folder: join(botFolder(config, context.state), 'whatsapp'), socket, signal: context.signal },
      {
        showQr: text =>
          context.out(
            `\n${text}\nOn the telephone: WhatsApp, Settings, Linked devices, Link a device; scan this code.\n`,
          ),
        showCode: code =>
          context.out(`\nOn the telephone: Linked devices, Link with phone number instead; type ${code}\n`),
        showTrouble: text => context.err(`${text}\n`),
        ...number,
      },
    )
  } catch (error) {
    throw asFault(error)
  }
  context.out('Linked. A bot that runs begins to use it by itself, within a minute.\n')
  return EXIT.done
}

/** Where WhatsApp's own unit is reached; null where there is none. */
function socketOf({ bot }: HostConfig, { isRoot, socket }: PairHost): string | null {
  if (bot.run !== 'unit') return null
  if (!existsSync(socket)) {
    // The bot may be a unit that somebody wrote himself. It is not root's, whose browser nothing would shut in.
    if (!isRoot) return null
    throw new Fault('install.missing', `the unit of WhatsApp is not there (${socket})`, {
      hint: 'run "heald install" first; if it was: systemctl start heald-whatsapp.socket',
    })
  }
  try {
    accessSync(socket, constants.W_OK)
  } catch (cause) {
    const message = 'only root and the bot reach the unit of WhatsApp'
    throw new Fault('usage.user', message, { hint: 'run it with sudo', cause })
  }
  return socket
}
