import { counted } from '../../core/cli/text.ts'
import { entryInWords } from '../../core/incident/words.ts'
import type { CheckedReceipt } from '../../core/ledger/check.ts'
import { receiptOf } from '../../core/ledger/receipt.ts'
import type { Finding, Verdict } from '../../core/ledger/verify.ts'
import type { Message } from '../message.ts'
import { type Answer, answer, cut, footer, lines, paged, type Render, type Showing, written } from './answer.ts'

const PER_PAGE = 8

/** `verify`, `verify RECEIPT…`. */
export const verify: Render = (data, _args, showing) => {
  const found = data as { readonly ledger: Verdict } | { readonly receipts: readonly CheckedReceipt[] }
  return 'ledger' in found ? ofLedger(found.ledger, showing) : ofReceipts(found.receipts, showing)
}

function ofLedger(verdict: Verdict, showing: Showing): Answer {
  const { size, head, firstBad, torn } = verdict
  const isWhole = firstBad === null || torn
  const { title, blocks } = isWhole
    ? whole(verdict)
    : firstBad.line === 0
      ? (unvouched(verdict, firstBad) ?? notTheSigned(verdict, firstBad))
      : damaged(verdict, firstBad)
  return answer(
    {
      ...{ icon: isWhole ? '🟢' : '⛔', tone: isWhole ? 'good' : 'critical', title },
      blocks: [...blocks, ...lines(...verdict.void.map(voidText))],
      footer: footer(size === 0 ? '' : receiptOf(size - 1, head), showing.place.host),
    },
    showing,
  )
}

type Told = Pick<Message, 'title' | 'blocks'>

function whole({ size, torn, signedUpTo, tookMs, trusted, prunedUpTo, checked }: Verdict): Told {
  const signed =
    checked.checkpoints === null
      ? 'There is no checkpoint yet, so none of it is signed.'
      : `The first ${count(signedUpTo)} ${signedUpTo === 1 ? 'is' : 'are'} signed.`
  return {
    title: `The ledger is whole: ${count(size)}`,
    blocks: lines(
      `One unbroken chain, checked in ${Math.round(tookMs)} ms. ${signed}`,
      prunedUpTo === 0
        ? ''
        : `The entries before #${prunedUpTo} were pruned, as an entry tells, and are counted; what stands for them fits.`,
      torn ? 'It ends in an unfinished write, which the next start sets aside.' : '',
      trusted === 'nothing'
        ? 'Nothing from elsewhere was compared with it: receipts and checkpoints that stand in chats are. Paste some: verify RECEIPT…'
        : '',
    ),
  }
}

function damaged({ provableUpTo }: Verdict, { seq, line, segment, why }: Finding): Told {
  return {
    title: `THE LEDGER IS DAMAGED at entry #${seq} (line ${line} of segment ${segment})`,
    blocks: lines(
      `${why}.`,
      provableUpTo === 0
        ? 'Nothing before it can be proved.'
        : `Still proved: ${count(provableUpTo)} from the first on.`,
      'The files were changed, or the disk lost something. heald never cuts or mends them: copy them as they are, then compare them with a backup and with receipts.',
    ),
  }
}

/** Nothing contradicts the ledger, and its keys are not all vouched for. Null: something does. */
function unvouched({ trouble }: Verdict, { why, segment }: Finding): Told | null {
  const chain = 'Its entries are one unbroken chain, and nothing that is here contradicts it.'
  if (trouble === 'gap')
    return {
      title: 'NOT ALL OF THIS LEDGER IS VOUCHED FOR',
      blocks: lines(
        `${why}.`,
        chain,
        'If the key was lost then, as you know from elsewhere: heald ledger verify --key KEY --accept-gap, with the key of that epoch. Otherwise somebody who may write these files has changed the past.',
      ),
    }
  if (trouble === 'bare')
    return {
      title: segment === '' ? 'THE LEDGER HAS NO CHECKPOINT' : 'NO HANDOVER OF A KEY IS BESIDE THE LEDGER',
      blocks: lines(
        `${why}, since ${segment === '' ? 'no checkpoint is beside it' : `nothing is in its folder "${segment}"`}.`,
        chain,
        segment === ''
          ? 'Somebody has removed them, unless heald could not write them yet, as on a full disk.'
          : 'Somebody has removed what was in it: look who could, and put it back from a backup.',
      ),
    }
  return null
}

/** The chain holds, and what was signed is not in it: no line is to blame. */
function notTheSigned({ provableUpTo, evidence }: Verdict, { segment, why }: Finding): Told {
  const log = { block: 'log' as const, title: 'The two histories, as they were signed', text: evidence.join('\n') }
  return {
    title: `THE LEDGER IS NOT THE ONE THAT WAS SIGNED${segment === '' ? '' : ` (${segment})`}`,
    blocks: [
      ...lines(
        `${why}.`,
        provableUpTo === 0
          ? 'Its entries are one unbroken chain, and none of them is proved.'
          : `Its entries are one unbroken chain; proved: ${count(provableUpTo)} from the first on.`,
        'Somebody who may write these files has changed the past, or they were put back from a backup. Copy them as they are, then compare them with a backup and with receipts.',
      ),
      ...(evidence.length === 0 ? [] : [log]),
    ],
  }
}

function voidText({ segment, bytes }: Verdict['void'][number]): string {
  return `${counted(bytes, 'byte')} at the end of segment ${segment} ${bytes === 1 ? 'doesn’t' : 'don’t'} count.`
}

function count(entries: number): string {
  return counted(entries, 'entry', 'entries')
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
        shown.some(({ what, fits }) => what === 'receipt' && fits === true)
          ? `A short receipt shows that its entry is the same, not what was before it: that needs ${written('verify', showing.platform)} too.`
          : '',
      ),
      footer: footer(note, showing.place.host),
      buttons: [row],
    },
    showing,
  )
}
