import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Platform, Trouble } from '../../conformance/platform.ts'
import { until } from '../../until.ts'
import { readable } from './format.ts'
import type { WhatsAppTrouble } from './server.ts'
import { CHATS, startWhatsAppStand, type WhatsAppStand } from './stand.ts'

/** WhatsApp has nothing like "slow down": what it does not take gets ack -1. */
const TROUBLES: Record<Trouble, WhatsAppTrouble> = {
  'slow down': 'refuse',
  'error 500': 'refuse',
  'answer lost': 'answer lost',
  hang: 'hang',
  cut: 'cut',
}

/**
 * The real adapter, library and Chromium over the fake, one after another over the same linked device, for pairing costs
 * some seconds.
 */
export interface WhatsAppPlatforms {
  start(): Promise<Platform>
  close(): Promise<void>
}

export function whatsAppPlatforms(): WhatsAppPlatforms {
  let shared: Promise<WhatsAppStand> | null = null
  return {
    async start() {
      shared ??= startWhatsAppStand().then(async stand => {
        await stand.pair()
        return stand
      })
      return platformOver(await shared)
    },
    async close() {
      const stand = await shared
      shared = null
      await stand?.close()
    },
  }
}

function platformOver({ fake, folder, open, pair }: WhatsAppStand): Platform {
  fake.reset()
  let pairing: Promise<void> | null = null
  let wasUnlinked = false
  return {
    name: 'whatsapp',
    chats: CHATS,
    open: events => open(events),
    shown: chat =>
      [...fake.account.messages.values()]
        .filter(message => message.chat === chat && !message.isRevoked)
        .map(({ key, body, quoted, isEdited }) => {
          const answered = [...fake.account.messages.values()].find(one => one.key.split('_')[2] === quoted)
          const replyTo = answered?.key ?? null
          return { reference: key, text: readable(body), isSilent: false, replyTo, buttons: [], isEdited }
        }),
    requests: () => fake.requests(),
    next: trouble => fake.next(TROUBLES[trouble]),
    remove: (_, reference) => fake.revoke(reference),
    leave: chat => fake.expel(chat),
    revoke() {
      wasUnlinked = true
      fake.unlink()
    },
    admit: () => {
      // The bot takes a moment to throw away what is left of the old device.
      pairing = until('the old device is forgotten', () => !existsSync(join(folder, 'paired'))).then(pair)
      pairing.catch(() => {})
    },
    cut: () => fake.cut(),
    say: () => {},
    press: () => {},
    // What is asked of the page before it hears that it was unlinked is nobody's fault.
    breaches: () => fake.account.breaches.filter(why => !(wasUnlinked && why === 'send without a session')),
    close: async () => {
      await pairing
    },
    can: { tellTwins: true, buttons: false, silence: false, words: false, edit: true, never: ['slow down'] },
  }
}
