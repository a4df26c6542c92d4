import type { WhatsAppSpec } from '../config/channel-spec.ts'
import { DEFAULT_PATH } from '../config/programs.ts'
import { hasBrowser, isPackageInstalled } from '../doctor/channels.ts'
import { Fault } from '../fault.ts'

/**
 * Rejects with a Fault when the unit of WhatsApp would have nothing to run: from the bot's side of the socket it could not
 * be told from one that is busy. `path` is the one that units have.
 */
export async function checkWhatsApp(
  spec: WhatsAppSpec,
  path: string = DEFAULT_PATH,
  isInstalled: (name: string) => boolean = isPackageInstalled,
): Promise<void> {
  if (!isInstalled('whatsapp-web.js')) {
    throw new Fault('install.package', 'WhatsApp is a channel, and its package whatsapp-web.js is not installed', {
      hint: 'install it beside heald: npm install whatsapp-web.js (in a clone: npm ci --include=optional)',
    })
  }
  if (await hasBrowser(spec, path)) return
  const where = spec.browser === null ? `no Chromium on the PATH of units (${path})` : `no program ${spec.browser}`
  throw new Fault('install.browser', `WhatsApp is a channel, and there is ${where}`, {
    hint: 'install the package chromium, or name a browser in the configuration: channels.whatsapp.browser',
  })
}
