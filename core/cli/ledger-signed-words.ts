import { parseReceipt, receiptOf } from '../ledger/receipt.ts'
import type { Finding, Verdict } from '../ledger/verify.ts'
import { cleanLine, cleanLines, counted } from './text.ts'

/* What a verification says of what was signed, line by line. */

/** What the signatures prove, and what they can't. */
export function signedLines(verdict: Verdict): string[] {
  const { checked, signedUpTo, vkeys, trusted, size, unvouched, keysFound, keyReceipts } = verdict
  const unsigned = size - signedUpTo
  const signed =
    checked.checkpoints === null
      ? 'There is no checkpoint yet.'
      : signedUpTo === 0
        ? 'None of its entries is signed with the key that was given.'
        : `Its checkpoints fit: the first ${count(signedUpTo)} ${signedUpTo === 1 ? 'is' : 'are'} signed${unsigned > 0 ? `, ${count(unsigned)} came later` : ''}.`
  const keys =
    vkeys.length === 0
      ? ''
      : vkeys.length === 1
        ? ' One key.'
        : unvouched.length === 0 && checked.epochs !== false
          ? ` ${vkeys.length} keys, each vouched for by the one before.`
          : ` ${vkeys.length} keys.`
  const later = unsigned > 0 ? ', and not yet for what came later' : ''
  const gap = gapBehind(verdict)
  const from = gap === null ? 'the entries' : `what is behind the gap, from #${gap}`
  const vouched = gap === null && unsigned <= 0 ? 'all of them' : `${from} up to #${signedUpTo - 1}${later}`
  const trust =
    trusted === 'nothing'
      ? 'Nothing from elsewhere was given to compare with, so one who rewrote all of it, keys too, would not be noticed: keep the key elsewhere (heald ledger verify --key KEY), or a checkpoint (--checkpoint FILE).'
      : trusted === 'key'
        ? `The key that was given vouches for ${signedUpTo === 0 ? 'none of them' : vouched}.`
        : comparedLine(verdict)
  return [
    `${signed}${keys}`,
    trust,
    ...keysFound.map(keyLine),
    ...unvouched.map(
      epoch =>
        `Nobody vouched for the key of epoch ${epoch}: its entry tells that the one before was gone. Whoever has it could have rewritten what is before it.`,
    ),
    ...(trusted === 'nothing' && vkeys.length > 0
      ? [
          `Its key now, and the receipt of the entry that tells of it, by its own word: ${cleanLine(vkeys.at(-1) ?? '')} ${keyReceipts.at(-1)}`,
        ]
      : []),
  ]
}

/** Entry from which on the keys that were given vouch, where that is behind one that nobody vouched for; null: all before too. */
function gapBehind({ unvouched, trouble, firstBad, signedUpTo, keysFound, keyReceipts }: Verdict): number | null {
  const isAcross = unvouched.length > 0 || (trouble === 'gap' && firstBad !== null && firstBad.seq < signedUpTo)
  if (!isAcross) return null
  const epoch = unvouched.at(-1) ?? Math.max(0, ...keysFound.map(each => each.epoch))
  return parseReceipt(keyReceipts[epoch] ?? '')?.seq ?? 0
}

/** Which one it is: a key alone does not tell since when it signs. */
function keyLine({ epoch, receipt, isAsGiven }: Verdict['keysFound'][number]): string {
  const told = `The key that was given is that of epoch ${epoch}, told of by entry ${receipt}`
  return isAsGiven === true
    ? `${told}, as its receipt says.`
    : `${told}. Whoever has stolen it could have made that up, and all of the ledger with it: compare that with the receipt that was kept with the key, or give it too (--key 'KEY RECEIPT').`
}

/** What checkpoints from elsewhere prove, and what not. */
function comparedLine({ trouble, firstBad, comparedUpTo, signedUpTo, size }: Verdict): string {
  if (comparedUpTo === 0) return 'What was kept elsewhere proves nothing of this ledger.'
  if (trouble === 'gap' && firstBad !== null) {
    if (comparedUpTo > firstBad.seq + 1)
      return 'What was kept elsewhere fits, but the lost key has not signed it: it proves nothing of what is before the gap.'
    const more = comparedUpTo < firstBad.seq ? 'and nothing of those between that and the gap' : 'all before the gap'
    return `What was kept elsewhere fits: it proves the entries up to #${comparedUpTo - 1}, ${more}.`
  }
  if (comparedUpTo >= size) return 'What was kept elsewhere fits: it proves all of them.'
  const later =
    signedUpTo > comparedUpTo ? "rests on the ledger's own signatures" : 'is not proved by anything that is here'
  return `What was kept elsewhere fits: it proves the entries up to #${comparedUpTo - 1}; what is after that ${later}. A newer checkpoint proves more.`
}

/** What is wrong with what was signed, and what to do. */
export function troubleLines(verdict: Verdict, bad: Finding, dir: string): string[] {
  if (verdict.trouble === 'undecided') return undecidedLines(verdict, bad)
  if (verdict.trouble === 'bare') return bareLines(verdict, bad)
  if (verdict.trouble === 'gap') return gapLines(verdict, bad)
  if (verdict.trouble === 'unbelieved') return unbelievedLines(verdict, dir)
  if (verdict.trouble === 'unproved') return unprovedLines(verdict, bad)
  return unsignedLines(verdict, bad, dir)
}

/** Nothing contradicts a key that was given, and nothing is signed with it. */
function unprovedLines(verdict: Verdict, { why }: Finding): string[] {
  const { size, signedUpTo, comparedUpTo } = verdict
  const maker =
    signedUpTo === 0 ? 'whoever could write these files' : 'whoever could write these files and has the other'
  return [
    signedUpTo === 0
      ? 'NOTHING HERE IS PROVED BY THE KEY THAT WAS GIVEN: no checkpoint bears its signature, or that of a later key that it vouched for.'
      : `A KEY THAT WAS GIVEN PROVES NOTHING HERE: ${why}.`,
    comparedUpTo === 0
      ? `The ledger is ${count(size)} in one unbroken chain, and ${maker} could have made it.`
      : `The ledger is ${count(size)} in one unbroken chain. ${comparedLine(verdict)}`,
    'A ledger or a key that is new has nothing signed for some seconds after its first entry: "heald ledger checkpoint" does it now. Otherwise what was signed was removed, or the file "checkpoint" and the folder "cp" were not copied.',
  ]
}

/** No checkpoint, or none in which a key was handed over, is there to judge the keys by. */
function bareLines(verdict: Verdict, { segment }: Finding): string[] {
  const { size, comparedUpTo, doubts } = verdict
  const isWithoutAny = segment === ''
  return [
    isWithoutAny
      ? 'NO CHECKPOINT IS HERE, AND THE KEYS OF THIS LEDGER ARE HANDED OVER IN SUCH: each key after the first has to be vouched for by the one before.'
      : 'NO HANDOVER OF A KEY IS HERE: each key of this ledger after the first has to be vouched for by the one before, in a checkpoint that is kept in the folder "cp".',
    `The ledger is ${count(size)} in one unbroken chain${upTo(verdict)}. Nothing that is here contradicts it, and whoever could write these files${isWithoutAny ? '' : ' and has the present key'} could have made it.`,
    ...(comparedUpTo === 0 ? [] : [comparedLine(verdict)]),
    ...doubts.map(each => doubtLine('A checkpoint that was given', each)),
    isWithoutAny
      ? 'In a copy the file "checkpoint" and the folder "cp" were perhaps left out: copy them too. On the ledger’s own host somebody has removed them, unless heald could not write them yet, as on a full disk.'
      : 'In a copy the folder "cp" was perhaps left out: copy it too. On the ledger’s own host somebody has removed what was in it.',
  ]
}

function gapLines(verdict: Verdict, { why, seq }: Finding): string[] {
  return [
    `NOT ALL OF THIS LEDGER IS VOUCHED FOR: ${why}.`,
    `It is ${count(verdict.size)} in one unbroken chain${upTo(verdict)}.`,
    ...signedLines(verdict),
    ...verdict.doubts.map(each => doubtLine('A checkpoint that was given', each)),
    verdict.unvouched.length > 0
      ? 'If the key was lost then, as you know from elsewhere, and a receipt or a checkpoint from before it fits: --accept-gap.'
      : 'If the key was lost then, as you know from elsewhere, and a receipt or a checkpoint from before it fits: --key KEY --accept-gap, with the key of that epoch. Otherwise somebody who may write these files has changed the past.',
    ...(verdict.unvouched.length > 0 ? [] : wantedLines(verdict, seq)),
  ]
}

/** The key that has to be given, of the epoch that begins with this entry. */
function wantedLines({ vkeys, keyReceipts, keysFound }: Verdict, seq: number): string[] {
  const epoch = keyReceipts.findIndex(each => parseReceipt(each)?.seq === seq)
  const newest = keysFound.findLast(each => each.epoch > epoch && each.isAsGiven === null)
  return [
    `The key of that epoch is, by this ledger's own word, ${cleanLine(vkeys[epoch] ?? '')}: compare it with the one that was kept elsewhere.`,
    ...(newest === undefined ? [] : [`Beside it ${cleanLine(newest.vkey)} needs its receipt (--key 'KEY RECEIPT').`]),
  ]
}

type Doubt = Verdict['doubts'][number]

/** What was given to compare with is worth nothing, or not all of it is. */
function unbelievedLines(verdict: Verdict, dir: string): string[] {
  const { doubts, comparedUpTo, size } = verdict
  const [first, ...others] = doubts
  if (first === undefined) return []
  const chain = `${count(size)} in one unbroken chain${upTo(verdict)}`
  const compared = comparedUpTo === 0 ? [] : [comparedLine(verdict)]
  const rest = others.map(each => doubtLine('Another one', each))
  if (first.is === 'foreign')
    return comparedUpTo === 0
      ? [
          `THE CHECKPOINT THAT WAS GIVEN IS OF ANOTHER LEDGER (${aboutDoubt(first)}.`,
          ...rest,
          `So nothing here was compared with it. Nothing contradicts the ledger: it is ${chain}.`,
          `If it was kept of the ledger that should be here, another was put in its place: whoever rewrites one gives it any name. Then copy ${dir} as it is, and compare it with a backup.`,
        ]
      : [
          'WHAT WAS KEPT OF THIS LEDGER FITS, AND NOT ALL THAT WAS GIVEN IS OF IT.',
          ...compared,
          ...doubts.map(each => `Of another ledger (${aboutDoubt(each)}.`),
          `Nothing contradicts the ledger: it is ${chain}.`,
        ]
  const isContradicted = doubts.some(({ is }) => is === 'outvoted')
  const more = [...rest, ...compared.map(line => line.replace('What', 'What else'))]
  if (first.is === 'anew')
    return [
      `THE CHECKPOINT THAT WAS GIVEN DOES NOT FIT THIS LEDGER (${aboutDoubt(first)}.`,
      ...more,
      `By itself the ledger is ${chain}; so is a new one, and so is one that was rewritten.`,
      `If you began it anew, that checkpoint is of the one before. Otherwise somebody who may write these files has put another past in its place, or that checkpoint is made up: copy ${dir} as it is, then compare it with a backup, or with receipts that were noted elsewhere.`,
    ]
  return [
    first.is === 'pruned'
      ? `THE CHECKPOINT THAT WAS GIVEN CAN'T BE JUDGED HERE (${aboutDoubt(first)}.`
      : `THE CHECKPOINT THAT WAS GIVEN PROVES NOTHING (${aboutDoubt(first)}.`,
    ...more,
    `Nothing ${isContradicted ? 'else ' : ''}contradicts the ledger: it is ${chain}.`,
    ...(first.is === 'pruned'
      ? []
      : ['Look where that checkpoint comes from: a key of this ledger has to have signed it, the one of its time.']),
  ]
}

const DOUBTED: Readonly<Record<Doubt['is'], string>> = {
  anew: 'does not fit this ledger',
  foreign: 'is of another ledger',
  outvoted: 'proves nothing',
  pruned: "can't be judged here",
  worthless: 'proves nothing',
}

function doubtLine(which: string, doubt: Doubt): string {
  return `${which} ${DOUBTED[doubt.is]} (${aboutDoubt(doubt)}.`
}

function aboutDoubt({ name, size, why }: Doubt): string {
  return `${cleanLine(name)}${size === null ? '' : `, for ${count(size)}`}): ${cleanLine(why)}`
}

/** A note and the ledger can't both be true, and nothing tells which of them is made up. */
function undecidedLines(verdict: Verdict, { why, segment }: Finding): string[] {
  return [
    `THE LEDGER AND THE CHECKPOINT THAT WAS GIVEN CAN'T BOTH BE TRUE (${cleanLine(segment)}): ${cleanLine(why)}.`,
    ...evidenceLines(verdict),
    ...verdict.doubts.map(each => doubtLine('Another one that was given', each)),
    `Look where that checkpoint comes from, and keep both. By itself the ledger is ${count(verdict.size)} in one unbroken chain${upTo(verdict)}.`,
  ]
}

/** The chain holds, and what was signed is not in it. */
function unsignedLines(verdict: Verdict, { why, segment }: Finding, dir: string): string[] {
  const where = segment === '' ? '' : ` (${cleanLine(segment)})`
  return [
    `THE LEDGER IS NOT THE ONE THAT WAS SIGNED${where}: ${cleanLine(why)}.`,
    verdict.provableUpTo === 0
      ? 'Its entries are one unbroken chain, and none of them is proved.'
      : `Its entries are one unbroken chain; proved: ${count(verdict.provableUpTo)} from the first on.`,
    ...evidenceLines(verdict),
    ...verdict.doubts.map(each => doubtLine('Another one that was given', each)),
    'Somebody who may write these files has changed the past, or they were put back from a backup.',
    `What to do: copy ${dir} as it is, then compare it with a backup, or with receipts that were noted elsewhere.`,
  ]
}

function evidenceLines({ evidence, trouble }: Verdict): string[] {
  if (evidence.length === 0) return []
  const both = trouble === 'undecided' ? 'The two notes, that one first:' : 'The two histories, as they were signed:'
  const head = evidence.length === 1 ? 'What was signed:' : both
  return [head, ...evidence.flatMap(note => ['', ...cleanLines(note).trimEnd().split('\n')]), '']
}

export function upTo({ size, head }: Verdict): string {
  return size === 0 ? '' : `, the last one is ${receiptOf(size - 1, head)}`
}

export function count(entries: number): string {
  return counted(entries, 'entry', 'entries')
}
