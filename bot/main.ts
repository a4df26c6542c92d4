import { dirname, join, resolve } from 'node:path'
import { type Context, EXIT, type Values } from '../core/cli/command.ts'
import { systemClock } from '../core/clock.ts'
import type { ChannelSpec } from '../core/config/channel-spec.ts'
import { secretReader } from '../core/secret.ts'
import { runBot } from './bot.ts'
import type { OpenChannel } from './channel.ts'

/** `heald bot`: relays notices until a signal ends it. Only the composition root may load an adapter; it hands over how. */
export async function run(
  context: Context,
  _words: readonly string[],
  values: Values,
  openChannel: (spec: ChannelSpec) => OpenChannel,
): Promise<number> {
  const { socket, folder } = values
  // What an SDK forgets to await must not end the bot: its channel is supervised, and says what is wrong.
  process.on('unhandledRejection', error => context.err(`heald bot: ${oneLine(error)}\n`))
  await runBot({
    socket: typeof socket === 'string' ? resolve(socket) : join(dirname(context.socket), 'bot.sock'),
    state: typeof folder === 'string' ? resolve(folder) : join(context.state, 'bot'),
    clock: systemClock,
    random: Math.random,
    openChannel,
    readSecret: secretReader(context.env),
    warn: text => context.err(`heald bot: ${text}\n`),
    signal: context.signal,
  })
  return EXIT.done
}

/** Errors of SDKs may hold addresses with tokens in them: only what kind of error it was is told. */
function oneLine(error: unknown): string {
  return error instanceof Error ? `a library failed: ${error.name}` : 'a library failed'
}
