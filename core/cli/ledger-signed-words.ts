import { receiptOf } from '../ledger/receipt.ts'
import type { Finding, Verdict } from '../ledger/verify.ts'
import { cleanLine, cleanLines, counted } from './text.ts'

/* What a verification says of what was signed, line by line. */

/** What the signatures prove, and what they can't. */
export function signedLines({ checked, signedUpTo, vkeys, trusted, size, unvouched }: Verdict): string[] {
  const unsigned = size - signedUpTo
  const signed =
    checked.checkpoints === null
      ? 'There is no checkpoint yet.'
      : `Its checkpoints fit: the first ${count(signedUpTo)} ${signedUpTo === 1 ? 'is' : 'are'} signed${unsigned > 0 ? `, ${count(unsigned)} came later` : ''}.`
  const keys =
    vkeys.length === 0
      ? ''
      : vkeys.length === 1
        ? ' One key.'
        : unvouched.length === 0
          ? ` ${vkeys.length} keys, each vouched for by the one before.`
          : ` ${vkeys.length} keys.`
  const later = unsigned > 0 ? ', and not yet for what came later' : ''
  const from = unvouched.length > 0 ? 'what is behind it,' : 'the entries'
  const reach = unvouched.length === 0 && unsigned <= 0 ? 'all of them' : `${from} up to #${signedUpTo - 1}${later}`
  const trust =
    trusted === 'nothing'
      ? 'Nothing from elsewhere was given to compare with, so one who rewrote all of it, keys too, would not be noticed: keep the key elsewhere (heald ledger verify --key KEY), or a checkpoint (--checkpoint FILE).'
      : trusted === 'key'
        ? `The key that was given vouches for ${reach}.`
        : 'What was kept elsewhere fits.'
  return [
    `${signed}${keys}`,
    trust,
    ...unvouched.map(
      epoch =>
        `Nobody vouched for the key of epoch ${epoch}: its entry tells that the one before was gone. Whoever has it could have rewritten what is before it.`,
    ),
    ...(trusted === 'nothing' && vkeys.length > 0 ? [`Its key now, by its own word: ${vkeys.at(-1)}`] : []),
  ]
}

/** A key was given, nothing contradicts it, and nothing is signed with it. */
export function isUnproved({ trusted, checked }: Verdict): boolean {
  const { chain: _, ...others } = checked
  return trusted === 'key' && Object.values(others).every(each => each !== false)
}

export function unprovedLines({ size }: Verdict): string[] {
  return [
    'NOTHING HERE IS PROVED BY THE KEY THAT WAS GIVEN: no checkpoint bears its signature, or that of a later key that it vouched for.',
    `The ledger is ${count(size)} in one unbroken chain, and whoever could write these files could have made it.`,
    'A ledger or a key that is new has nothing signed for some seconds after its first entry: "heald ledger checkpoint" does it now. Otherwise what was signed was removed, or the file "checkpoint" and the folder "cp" were not copied.',
  ]
}

/** Nothing contradicts the key that was given, and nobody vouched for it. */
export function isGap({ unvouched, checked }: Verdict): boolean {
  return unvouched.length > 0 && checked.epochs === false
}

export function gapLines(verdict: Verdict, { why }: Finding): string[] {
  return [
    `NOT ALL OF THIS LEDGER IS VOUCHED FOR: ${why}.`,
    `It is ${count(verdict.size)} in one unbroken chain${upTo(verdict)}.`,
    ...signedLines(verdict),
    'If the key was lost then, as you know from elsewhere, and a receipt or a checkpoint from before it fits: --accept-gap.',
  ]
}

/** What was given to compare with is worth nothing. */
export function unbelievedLines(verdict: Verdict, { why, segment }: Finding): string[] {
  return [
    `THE CHECKPOINT THAT WAS GIVEN PROVES NOTHING (${cleanLine(segment)}): ${cleanLine(why)}.`,
    `Nothing contradicts the ledger: it is ${count(verdict.size)} in one unbroken chain${upTo(verdict)}.`,
    'Look where that checkpoint comes from: a key of this ledger has to have signed it, the one of its time.',
  ]
}

/** The chain holds, and what was signed is not in it. */
export function unsignedLines(verdict: Verdict, { why, segment }: Finding, dir: string): string[] {
  const where = segment === '' ? '' : ` (${cleanLine(segment)})`
  const evidence =
    verdict.evidence.length === 0
      ? []
      : [
          'The two histories, as they were signed:',
          ...verdict.evidence.flatMap(note => ['', ...cleanLines(note).trimEnd().split('\n')]),
          '',
        ]
  return [
    `THE LEDGER IS NOT THE ONE THAT WAS SIGNED${where}: ${cleanLine(why)}.`,
    verdict.provableUpTo === 0
      ? 'Its entries are one unbroken chain, and none of them is proved.'
      : `Its entries are one unbroken chain; proved: ${count(verdict.provableUpTo)} from the first on.`,
    ...evidence,
    'Somebody who may write these files has changed the past, or they were put back from a backup.',
    `What to do: copy ${dir} as it is, then compare it with a backup, or with receipts that were noted elsewhere.`,
  ]
}

export function upTo({ size, head }: Verdict): string {
  return size === 0 ? '' : `, the last one is ${receiptOf(size - 1, head)}`
}

export function count(entries: number): string {
  return counted(entries, 'entry', 'entries')
}
