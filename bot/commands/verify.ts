import { counted } from '../../core/cli/text.ts'
import { entryInWords } from '../../core/incident/words.ts'
import type { CheckedReceipt } from '../../core/ledger/check.ts'
import { receiptOf } from '../../core/ledger/receipt.ts'
import type { Verdict } from '../../core/ledger/verify.ts'
import { type Answer, answer, cut, footer, lines, paged, type Render, type Showing } from './answer.ts'

const PER_PAGE = 8

/** `verify`, `verify RECEIPT…`. */
export const verify: Render = (data, _args, showing) => {
  const found = data as { readonly ledger: Verdict } | { readonly receipts: readonly CheckedReceipt[] }
  return 'ledger' in found ? ofLedger(found.ledger, showing) : ofReceipts(found.receipts, showing)
}

function ofLedger(verdict: Verdict, showing: Showing): Answer {
  const { size, head, firstBad, torn, signedUpTo, tookMs, trusted, provableUpTo } = verdict
  const entries = counted(size, 'entry', 'entries')
  const isWhole = firstBad === null || torn
  const where =
    firstBad === null ? '' : ` at entry #${firstBad.seq} (line ${firstBad.line} of segment ${firstBad.segment})`
  return answer(
    {
      ...{ icon: isWhole ? '🟢' : '⛔', tone: isWhole ? 'good' : 'critical' },
      title: isWhole ? `The ledger is whole: ${entries}` : `THE LEDGER IS DAMAGED${where}`,
      blocks: isWhole
        ? lines(
            `One unbroken chain, checked in ${Math.round(tookMs)} ms; the first ${counted(signedUpTo, 'entry', 'entries')} are signed.`,
            torn ? 'It ends in an unfinished write, which the next start sets aside.' : '',
            trusted === 'nothing'
              ? 'Nothing from elsewhere was compared with it: receipts and checkpoints that stand in chats are. Paste some: verify RECEIPT…'
              : '',
          )
        : lines(
            firstBad?.why ?? '',
            `Still proved: ${counted(provableUpTo, 'entry', 'entries')} from the first on.`,
            'The files were changed, or the disk lost something. heald never cuts or mends them: copy them as they are, then compare them with a backup and with receipts.',
          ),
      footer: footer(size === 0 ? '' : receiptOf(size - 1, head), showing.place.host),
    },
    showing,
  )
}

function ofReceipts(all: readonly CheckedReceipt[], showing: Showing): Answer {
  const bad = all.filter(({ fits }) => fits === false).length
  const open = all.filter(({ fits }) => fits === null).length
  const { shown, row, note } = paged(all, PER_PAGE, showing)
  const title =
    bad > 0
      ? `${bad} of ${counted(all.length, 'receipt')} DO NOT FIT`
      : open > 0
        ? `${open} of ${counted(all.length, 'receipt')} can’t be judged here`
        : `${counted(all.length, 'receipt')}: all of them fit`
  return answer(
    {
      ...{ icon: bad > 0 ? '⛔' : open > 0 ? '🟠' : '🟢', tone: bad > 0 ? 'critical' : open > 0 ? 'warning' : 'good' },
      title,
      blocks: lines(
        ...shown.map(({ what, fits, why, entry }) => {
          const mark = fits === true ? '✅' : fits === false ? '⛔ DOES NOT FIT:' : '❔'
          const said = entry === null ? '' : ` (${cut(entryInWords(entry), 120)})`
          return `${mark} ${what}: ${why}${said}`
        }),
      ),
      footer: footer(note, showing.place.host),
      buttons: [row],
    },
    showing,
  )
}
