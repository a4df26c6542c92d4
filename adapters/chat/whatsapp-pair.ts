import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { WhatsAppSpec } from '../../core/config/channel-spec.ts'
import { faultOf, findBrowser } from './whatsapp.ts'
import { forget, markOf, prepareFolder, type SessionProcess, startSession } from './whatsapp-process.ts'

// Life of a pairing
// 1. A browser without a session shows a code; each new one is drawn in the terminal. A child whose codes stop coming (the
//    library never asks for new ones once WhatsApp Web has gone idle) is ended, and another one started.
// 2. The telephone scans it; when the page is ready the child is closed, so that Chromium writes the session to the disk.
// 3. Only then the mark is written that a running bot waits for: the two never use the folder at once.

export interface PairingView {
  /** A QR code in half blocks, some 30 lines, each time there is a new one. */
  showQr(text: string): void
  /** Eight characters to type in the telephone, with `phoneNumber`. */
  showCode(code: string): void
  /** Digits only, in the international form; a code is then shown instead of a QR code. */
  readonly phoneNumber?: string
}

export interface PairingTools {
  /** The folder of the channel, as the bot gives it to the adapter. */
  readonly folder: string
  readonly signal: AbortSignal
}

export interface PairingTimes {
  /** For the whole pairing. */
  readonly allMs: number
  /** Until the first code. */
  readonly startMs: number
  /** Without a new code. WhatsApp's first one lasts a minute, the others 20 s; a typed one three minutes. */
  readonly codeMs: number
  /** How long a ready page is left to write things down. */
  readonly keepMs: number
}

const PAIRING_TIMES: PairingTimes = { allMs: 300_000, startMs: 90_000, codeMs: 90_000, keepMs: 3000 }
const MOST_CHILDREN = 10
/** In a row, of children that showed no code. */
const MOST_FAILURES = 2

/** Resolves when the device is linked and a bot can use it. Rejects with a reason and a hint for people. */
export async function pairWhatsApp(
  spec: WhatsAppSpec,
  { folder, signal }: PairingTools,
  view: PairingView,
  changed: Partial<PairingTimes> = {},
): Promise<void> {
  const times = { ...PAIRING_TIMES, ...changed }
  const phoneNumber = view.phoneNumber ?? null
  if (phoneNumber !== null && !/^\d{6,15}$/.test(phoneNumber)) {
    const hint = 'Give it in the international form, digits only: 12025550108.'
    throw faultOf('whatsapp.number', 'that is no telephone number', hint)
  }
  const browser = findBrowser(spec.browser)
  const { renderUnicodeCompact } = await import('uqr')
  await prepareFolder(folder)
  if (existsSync(markOf(folder))) {
    const hint = 'Unlink it on the telephone first (Linked devices); a running bot notices, and it can be paired anew.'
    throw faultOf('whatsapp.paired', 'a device is linked already', hint)
  }
  // A half-made pairing shows no code any more.
  await forget(folder)
  const late = AbortSignal.timeout(times.allMs)
  const stopped = AbortSignal.any([signal, late])
  let failures = 0
  for (let n = 0; n < MOST_CHILDREN && !stopped.aborted; n += 1) {
    const end = await runOnce()
    if (end === 'linked') {
      await writeFile(markOf(folder), `${new Date().toISOString()}\n`, { mode: 0o600, flush: true })
      return
    }
    failures = end === 'no code any more' ? 0 : failures + 1
    if (failures < MOST_FAILURES || stopped.aborted) continue
    throw faultOf('whatsapp.failed', `WhatsApp Web could not be used: ${end}`, 'See that Chromium runs, and try again.')
  }
  if (signal.aborted) throw faultOf('whatsapp.stopped', 'the pairing was stopped', 'Run it again.')
  throw faultOf(
    'whatsapp.late',
    'no telephone was linked in time',
    'Run it again, and scan the code while it is shown.',
  )

  /** One child: `linked`, `no code any more`, or what went wrong. */
  async function runOnce(): Promise<string> {
    const ended = Promise.withResolvers<string>()
    let why: string | null = null
    let timer: NodeJS.Timeout | undefined
    const end = (afterMs: number, how: string) => {
      clearTimeout(timer)
      timer = setTimeout(() => ended.resolve(how), afterMs)
    }
    const session: SessionProcess = startSession({
      ...{ browser, browserArgs: spec.browserArgs, folder, pairing: { phoneNumber } },
      onEnd: how => ended.resolve(why ?? how),
      onReport(report) {
        if (report.report === 'qr') view.showQr(renderUnicodeCompact(report.text))
        else if (report.report === 'code') view.showCode(report.text)
        else if (report.report === 'over') why = report.detail
        if (report.report === 'ready') end(times.keepMs, 'linked')
        else if (report.report === 'qr') end(times.codeMs, 'no code any more')
        else if (report.report === 'code') end(times.codeMs * 2, 'no code any more')
      },
    })
    end(times.startMs, 'it showed no code')
    const stop = () => ended.resolve('stopped')
    stopped.addEventListener('abort', stop)
    if (stopped.aborted) stop()
    try {
      return await ended.promise
    } finally {
      clearTimeout(timer)
      stopped.removeEventListener('abort', stop)
      await session.end()
    }
  }
}
