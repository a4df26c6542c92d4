import type { WhatsAppSpec } from '../../core/config/channel-spec.ts'
import { faultOf, placeOf } from './whatsapp-place.ts'
import { type Session, startSession } from './whatsapp-session.ts'
import type { OverWhy } from './whatsapp-wire.ts'

// Life of a pairing
// 1. A browser without a session shows a code; each new one is drawn in the terminal. A child whose codes stop coming (the
//    library never asks for new ones once WhatsApp Web has gone idle) is ended, and another one started.
// 2. The telephone scans it; when the page is ready the child has Chromium write the session to the disk.
// 3. Only then it writes the mark that a running bot waits for: the two never use the folder at once.
// 4. What goes wrong is told at once, and tried again: a unit that is not there for as long as the pairing may take.

export interface PairingView {
  /** A QR code in half blocks, some 30 lines, each time there is a new one. */
  showQr(text: string): void
  /** Eight characters to type in the telephone, with `phoneNumber`. */
  showCode(code: string): void
  /** What goes wrong, and what to do, while it is tried again. Once each time that something else goes wrong. */
  showTrouble(text: string): void
  /** Digits only, in the international form; a code is then shown instead of a QR code. */
  readonly phoneNumber?: string
}

export interface PairingTools {
  /** The folder of the channel, as the bot gives it to the adapter. */
  readonly folder: string
  /** Where WhatsApp's own unit is reached; null where there is none. */
  readonly socket: string | null
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
  /** Until everything is on the disk then. */
  readonly lastMs: number
}

const PAIRING_TIMES: PairingTimes = { allMs: 300_000, startMs: 90_000, codeMs: 90_000, keepMs: 3000, lastMs: 10_000 }
const BROWSER_HINT = 'See that Chromium runs'
const UNIT_HINT =
  "See whether a device is linked already (heald status), and what the unit says (journalctl -u 'heald-whatsapp@*')"
const SOCKET_HINT = 'Start it: systemctl start heald-whatsapp.socket'
const NO_CODE = 'no code any more'
const MOST_CHILDREN = 20
/** In a row, of children that showed no code. */
const MOST_FAILURES = 2
/** The same of the unit: a bot that looks whether a device was linked keeps others out of it for a moment. */
const MOST_OF_UNIT = 8
const PAUSE_MS = 1000

/** Resolves when the device is linked and a bot can use it. Rejects with a reason and a hint for people. */
export async function pairWhatsApp(
  spec: WhatsAppSpec,
  { folder, socket, signal }: PairingTools,
  view: PairingView,
  changed: Partial<PairingTimes> = {},
): Promise<void> {
  const times = { ...PAIRING_TIMES, ...changed }
  const phoneNumber = view.phoneNumber ?? null
  if (phoneNumber !== null && !/^\d{6,15}$/.test(phoneNumber)) {
    const hint = 'Give it in the international form, digits only: 12025550108.'
    throw faultOf('whatsapp.number', 'that is no telephone number', hint)
  }
  const place = placeOf(spec, folder, socket)
  const { renderUnicodeCompact } = await import('uqr')
  const late = AbortSignal.timeout(times.allMs)
  const stopped = AbortSignal.any([signal, late])
  let failures = 0
  /** What goes wrong now; null when nothing does. */
  let trouble: { readonly why: string; readonly hint: string } | null = null
  for (let children = 0; children < MOST_CHILDREN && !stopped.aborted; ) {
    const { end, isUnreached } = await runOnce()
    if (end === 'linked') return
    if (end === 'paired') {
      const hint =
        'Unlink it on the telephone first (Linked devices); a running bot notices, and it can be paired anew.'
      throw faultOf('whatsapp.paired', 'a device is linked already', hint)
    }
    if (stopped.aborted) break
    const hint = isUnreached ? SOCKET_HINT : socket === null ? BROWSER_HINT : UNIT_HINT
    const isNews = end !== trouble?.why
    trouble = end === NO_CODE ? null : { why: end, hint }
    if (!isUnreached) children += 1
    failures = trouble === null ? 0 : isUnreached ? failures : failures + 1
    if (failures >= (socket === null ? MOST_FAILURES : MOST_OF_UNIT)) break
    if (trouble === null) continue
    if (isNews) view.showTrouble(`WhatsApp Web can't be used: ${end}. It is tried again.\n${hint}.`)
    if (socket !== null) await pause()
  }
  if (signal.aborted) throw faultOf('whatsapp.stopped', 'the pairing was stopped', 'Run it again.')
  if (trouble !== null)
    throw faultOf(
      'whatsapp.failed',
      `WhatsApp Web could not be used: ${trouble.why}`,
      `${trouble.hint}, and try again.`,
    )
  throw faultOf(
    'whatsapp.late',
    'no telephone was linked in time',
    'Run it again, and scan the code while it is shown.',
  )

  function pause(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(done, PAUSE_MS)
      stopped.addEventListener('abort', done)
      function done(): void {
        clearTimeout(timer)
        stopped.removeEventListener('abort', done)
        resolve()
      }
    })
  }

  /** One child: `linked`, `paired` (before), `NO_CODE`, or what went wrong. */
  async function runOnce(): Promise<{ readonly end: string; readonly isUnreached: boolean }> {
    const ended = Promise.withResolvers<string>()
    let unreached = false
    let over: { readonly why: OverWhy; readonly detail: string } | null = null
    let timer: NodeJS.Timeout | undefined
    const end = (afterMs: number, how: string) => {
      clearTimeout(timer)
      timer = setTimeout(() => ended.resolve(how), afterMs)
    }
    const session: Session = startSession({
      place,
      pairing: { phoneNumber, keepMs: times.keepMs },
      onEnd(how, isUnreached) {
        unreached = isUnreached
        ended.resolve(over === null ? how : over.why === 'paired' ? 'paired' : over.detail)
      },
      onReport(report) {
        if (report.report === 'qr' || report.report === 'code') trouble = null
        if (report.report === 'qr') view.showQr(renderUnicodeCompact(report.text))
        else if (report.report === 'code') view.showCode(report.text)
        else if (report.report === 'linked') ended.resolve('linked')
        else if (report.report === 'over') over = report
        if (report.report === 'ready') end(times.keepMs + times.lastMs, 'it did not write the session down')
        else if (report.report === 'qr') end(times.codeMs, NO_CODE)
        else if (report.report === 'code') end(times.codeMs * 2, NO_CODE)
      },
    })
    end(times.startMs, 'it showed no code')
    const stop = () => ended.resolve('stopped')
    stopped.addEventListener('abort', stop)
    if (stopped.aborted) stop()
    try {
      return { end: await ended.promise, isUnreached: unreached }
    } finally {
      clearTimeout(timer)
      stopped.removeEventListener('abort', stop)
      await session.end()
    }
  }
}
