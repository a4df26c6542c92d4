import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWhatsApp, type WhatsAppTimes } from '../../../adapters/chat/whatsapp.ts'
import { pairWhatsApp } from '../../../adapters/chat/whatsapp-pair.ts'
import type { Channel, ChannelEvents } from '../../../bot/channel.ts'
import type { WhatsAppSpec } from '../../../core/config/channel-spec.ts'
import { startWhatsAppFake, type WhatsAppFake, type WhatsAppFakeOptions } from './server.ts'

/** A group and a person. */
export const CHATS = ['120363012345678901@g.us', '15550002222@c.us'] as const
/** After how long the page takes its connection for dead; a little above the adapter's deadline in tests. */
const KEEP_ALIVE_MS = 3500
/** Short enough for tests, all else as it is. */
export const QUICK: Partial<WhatsAppTimes> = { answerMs: 3000, firstPauseMs: 300, pollMs: 100 }

/** The fake with two chats, and a folder for the adapter. */
export interface WhatsAppStand {
  readonly fake: WhatsAppFake
  readonly folder: string
  readonly spec: WhatsAppSpec
  /** Links the device; the telephone scans the first code. */
  pair(): Promise<void>
  open(events?: Partial<ChannelEvents>, times?: Partial<WhatsAppTimes>): Promise<Channel>
  readonly warnings: string[]
  close(): Promise<void>
}

export async function startWhatsAppStand(options: WhatsAppFakeOptions = {}): Promise<WhatsAppStand> {
  const fake = await startWhatsAppFake({ keepAliveMs: KEEP_ALIVE_MS, ...options })
  const [group, person] = CHATS
  fake.account.chats.set(group, { id: group, name: 'Night shift', participants: [fake.account.me, person] })
  fake.account.chats.set(person, { id: person, name: 'Ada', participants: [] })
  const folder = mkdtempSync(join(tmpdir(), 'heald-whatsapp-'))
  const spec: WhatsAppSpec = {
    ...{ kind: 'whatsapp', chats: [...CHATS], quietHours: null, digest: null },
    ...{ browser: null, browserArgs: fake.browserArgs },
  }
  const warnings: string[] = []
  return {
    fake,
    folder,
    spec,
    warnings,
    async pair() {
      const signal = AbortSignal.timeout(60_000)
      const view = { showQr: () => fake.scan(), showCode: () => {}, showTrouble: () => {} }
      await pairWhatsApp(spec, { folder, socket: null, signal }, view, { keepMs: 500 })
    },
    open: (events, times = {}) =>
      openWhatsApp(
        spec,
        {
          events: { onState: () => {}, onWord: () => {}, ...events },
          readSecret: () => Promise.reject(new Error('WhatsApp has no secrets in the configuration')),
          warn: text => void warnings.push(text),
          folder,
        },
        { ...QUICK, ...times },
      ),
    async close() {
      await fake.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
