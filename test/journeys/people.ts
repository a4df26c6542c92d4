import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, STEP_MS } from '../../core/command/one-time-code.ts'
import type { Speaking } from '../conformance/speaking.ts'
import type { makeChats } from './chats.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, type Manner, makeReleaseFolder } from './release-folder.ts'
import type { ConfigInput } from './stand.ts'

type Chats = Awaited<ReturnType<typeof makeChats>>

/** RFC 6238's own secret, in base32. */
export const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const SECRET_BYTES = Buffer.from('12345678901234567890')

/** A code of now, or of a step beside it: each is good once. */
export function codeNow(steps = 0): string {
  return codeOf(SECRET_BYTES, Math.floor(Date.now() / STEP_MS) + steps)
}

export function writeSecret(path: string): void {
  writeFileSync(path, `${SECRET}\n`, { mode: 0o600 })
}

/** Operators of a journey: each is the first person of one platform; bob has one-time codes. */
export function peopleOf({ stand, telegram, discord, slack }: Chats) {
  const secret = join(stand.root, 'totp-bob')
  writeSecret(secret)
  return {
    alice: { role: 'admin', telegram: [Number(telegram.people[0])] },
    bob: { role: 'operator', discord: [discord.people[0]], totp: { file: secret } },
    carol: { role: 'operator', slack: [slack.people[0]] },
    dave: { role: 'viewer', telegram: [Number(telegram.people[1])] },
  }
}

/** A service of a release folder, with everything that people need to give orders from chats. */
export async function makeOrderedSite(chats: Chats, releases: Record<string, Manner>, more: Partial<ConfigInput> = {}) {
  const { stand } = chats
  const folder = makeReleaseFolder(stand.root)
  for (const [name, manner] of Object.entries(releases)) folder.add(name, manner)
  folder.point(Object.keys(releases)[0] ?? '')
  const port = await freePort()
  chats.configure({ ...configOf(folder, port), operators: peopleOf(chats), ...more })
  const daemon = await chats.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  return { folder, port, daemon }
}

/** The newest button with such a label, and the message that it is on. */
export function buttonAt(chats: Chats, platform: Speaking, label: RegExp): { reference: string; id: string } | null {
  for (const { reference, buttons, labels = [] } of chats.shown(platform).toReversed()) {
    const id = buttons[labels.findIndex(each => label.test(each))]
    if (id !== undefined) return { reference, id }
  }
  return null
}

/** Waits for the button, and presses it. */
export async function press(chats: Chats, platform: Speaking, label: RegExp, by: 0 | 1 = 0): Promise<void> {
  const found = await chats.stand.wait(
    `${platform.name} shows ${label}`,
    () => buttonAt(chats, platform, label),
    40_000,
  )
  platform.press(chats.chatOf(platform), found.reference, found.id, by)
}
