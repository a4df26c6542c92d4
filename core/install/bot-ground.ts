import { existsSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { Fault } from '../fault.ts'
import { system, trySystem } from './systemctl.ts'
import { BOT_USER, type BotPlan, isMadeBySystemd } from './unit-text.ts'

// What the bot's unit needs of the host: its user and its folder. The installation makes the user of its own alone; another
// one is somebody else's, who is to make it, and it outlives the installation.

/** A Fault where the bot is to run as a user that there is not. */
export async function mustHaveUser({ user }: BotPlan): Promise<void> {
  if (user === BOT_USER || (await trySystem('id', '-u', '--', user)) !== null) return
  throw new Fault('install.user', `there is no user ${user}, as whom the bot is to run`, {
    hint: `add the user (useradd --system ${user}), or leave bot.user out: the bot has a user of its own then`,
  })
}

/** Makes the bot's folder where systemd does not. One of somebody else's is left as it is. May be called again. */
export async function makeState({ user, state }: BotPlan): Promise<void> {
  if (isMadeBySystemd(state)) return
  if (!existsSync(state)) await mkdir(state, { recursive: true, mode: 0o700 })
  const { uid, mode } = await stat(state)
  // As it is made, and as a removal leaves it: with files of a user whose number may be another's by now.
  if (uid === 0 && (mode & 0o077) === 0) await system('chown', '-R', '-h', `${user}:`, state)
}
