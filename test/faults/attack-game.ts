import assert from 'node:assert/strict'
import { checkpointText } from '../../core/ledger/checkpoint.ts'
import { checkLine } from '../../core/ledger/line.ts'
import { parseVkey, type VerifierKey } from '../../core/ledger/note.ts'
import { readTail } from '../../core/ledger/side.ts'
import { treeOfSegments } from '../../core/ledger/tree/reader.ts'
import { type Verdict, verifyLedger } from '../../core/ledger/verify.ts'
import { linesIn, seqIn } from '../core/ledger/forged.ts'
import { type Board, type Move, mustBeTold, type Random, setUp } from './attack-board.ts'
import { LAST_MOVES } from './attack-files.ts'
import { rewrite, SIGNING } from './attack-lines.ts'
import { handedOver, severalOf } from './attack-notes.ts'

/*
 * A game: an attacker who may write every file of a ledger, and has its present private key, tries to change what it says.
 * He wins a round when a verification passes although an entry that it vouches for is another one.
 */

/** Repeatable: the same seed plays the same game. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** A move of which it is known what comes of it: without such ones a game that nobody wins would show nothing. */
export interface Control {
  readonly name: string
  readonly play: (board: Board, random: Random) => Promise<void>
  /** Whether a verification passes then, alone and with the checkpoint that was kept. */
  readonly alone: boolean
  readonly kept: boolean
}

/** Where docs/ledger.md says "no": who has the key of the present epoch rewrites it. */
const REWRITE: Control = {
  name: 'rewrite an epoch as somebody who knows how',
  play: (board, random) => rewrite(board, inPresent(board, random), false),
  ...{ alone: true, kept: false },
}

/** An entry of the present epoch that the checkpoint covers, and that holds what is changed. */
export function inPresent({ gone, lines, oldSize, size }: Board, random: Random): number {
  const ever = [...gone, ...lines].slice(0, size)
  const present = ever.flatMap((line, seq) => (seq >= oldSize && line.includes('"pid":') ? [seq] : []))
  return present[random(present.length)] ?? assert.fail('the present epoch has no entry')
}

export interface Game {
  readonly rounds: number
  readonly moves: Readonly<Record<string, Move>>
  /** Beside the one of every game. */
  readonly controls?: readonly Control[]
  /** Judges beside the verification, before anything is put back; `where` names the round. */
  readonly judge: (verdict: Verdict, now: readonly string[], where: string) => Promise<void>
}

/** The text kept aside for an entry. */
function textOf(dir: string, line: string): string | null {
  const checked = checkLine(line)
  return checked.ok ? readTail(dir, checked.entry) : null
}

/** One in so many rounds is also judged with a checkpoint that nobody has signed. */
const FORGED_EVERY = 7
/** In one of so many rounds what was kept elsewhere comes by a mail that may have mangled it. */
const HANDED_EVERY = 4
/** In one of so many rounds the checkpoint that was kept comes behind others that prove nothing. */
const SEVERAL_EVERY = 4
/** One in so many rounds is a control. */
const EVERY_SO_MANY = 10

/** Plays the game on a board; returns what came of it, in words. Throws when an attacker wins. */
export async function play(board: Board, { rounds, moves, controls = [], judge }: Game): Promise<string> {
  const { dir, lines, gone, size, oldSize } = board
  const seed = Number(process.env.HEALD_SEED ?? (rounds > 1000 ? Date.now() % 1_000_000 : 1))
  const random = randomFrom(seed)
  const names = Object.keys(moves)
  const all = [REWRITE, ...controls]
  const trust = { keys: [], checkpoints: [{ name: 'kept', note: board.note }] }
  const ever = [...gone, ...lines]
  const texts = lines.map(line => [line, textOf(dir, line)] as const).filter(([, text]) => text !== null)
  assert.ok(texts.length > 1, 'there are texts kept aside')
  const keys = (await verifyLedger(dir)).vkeys.map(vkey => parseVkey(vkey) ?? assert.fail(vkey))
  const sum = {
    passed: 0,
    passedAlone: 0,
    passedByKey: 0,
    changed: 0,
    pruned: 0,
    controls: 0,
    handed: 0,
    refused: 0,
    several: 0,
  }
  for (let round = 0; round < rounds; round++) {
    setUp(board)
    const played: string[] = []
    const control = round % EVERY_SO_MANY === 0 ? all[(round / EVERY_SO_MANY) % all.length] : undefined
    if (control !== undefined) played.push(control.name)
    await control?.play(board, random)
    for (let left = control === undefined ? 1 + random(4) : 0; left > 0; left--) {
      const name = names[random(names.length)] ?? ''
      played.push(name)
      await moves[name]?.(board, random)
      if (LAST_MOVES.includes(name)) break
    }
    const where = `round ${round} of seed ${seed}: ${played.join(', ')}`
    const verdict = await verifyLedger(dir, { trust })
    const { prunedUpTo } = verdict
    const now = linesIn(dir, prunedUpTo)
    const areAsEver = (below: number, what: string): void =>
      assert.deepEqual(
        now.slice(0, Math.max(0, below - prunedUpTo)),
        ever.slice(prunedUpTo, below),
        `${what}: ${where}`,
      )
    if (now.join('\n') !== lines.join('\n')) sum.changed++
    if (verdict.ok) {
      sum.passed++
      areAsEver(size, 'with a checkpoint')
      for (const [line, text] of texts)
        if (seqIn(line) < size) assert.ok([text, null].includes(textOf(dir, line)), `another text: ${where}`)
      if (prunedUpTo > 0) mustBeTold(now, ever.slice(0, prunedUpTo), where)
      if (prunedUpTo !== gone.length) sum.pruned++
    } else assert.ok(verdict.firstBad !== null, where)
    const alone = await verifyLedger(dir)
    if (alone.ok) sum.passedAlone++
    if (control !== undefined) {
      assert.deepEqual([alone.ok, verdict.ok], [control.alone, control.kept], `not as it is known to end: ${where}`)
      sum.controls++
    }
    // Alone, an epoch whose key is gone can't be changed: but for a ledger that is another one from its first line on.
    if (alone.ok && alone.origin === board.origin && alone.vkeys.length > 1) areAsEver(oldSize, 'alone')
    const key = keys[round % keys.length]
    const byKey = await verifyLedger(dir, { trust: { keys: key === undefined ? [] : [key], checkpoints: [] } })
    if (byKey.ok) {
      sum.passedByKey++
      assert.ok(byKey.signedUpTo > 0, `nothing was signed: ${where}`)
      // The thief of the present key can't change an epoch whose key is gone, unless it is said that nobody vouches for it.
      const isThief = played.some(each => SIGNING.includes(each))
      const old = byKey.unvouched.length > 0 ? 0 : oldSize
      areAsEver(Math.min(byKey.signedUpTo, isThief ? old : Number.POSITIVE_INFINITY), 'with a key')
    }
    const given = round % HANDED_EVERY === 0 ? await handedOver(board, randomFrom(seed + round)) : undefined
    if (given === null) sum.refused++
    else if (given !== undefined) {
      sum.handed++
      const { ok } = await verifyLedger(dir, { trust: { keys: [], checkpoints: given } })
      if (ok) areAsEver(size, 'with what was handed over')
    }
    if (round % SEVERAL_EVERY === 1 && verdict.evidence.length > 0) {
      sum.several++
      const several = await severalOf(board, randomFrom(seed + round))
      const { firstBad, evidence } = await verifyLedger(dir, { trust: { keys: [], checkpoints: several } })
      assert.deepEqual([firstBad, evidence], [verdict.firstBad, verdict.evidence], `beside others: ${where}`)
    }
    if (round % FORGED_EVERY === 0) await forgedIsNothing(board, alone.size, key, where)
    await judge(verdict, now, where)
  }
  assert.ok(sum.handed > 0 && sum.refused > rounds / 16, 'checkpoints were handed over')
  assert.ok(sum.several > 0, 'checkpoints that prove nothing hid no contradiction')
  assert.ok(sum.passedByKey > 0, 'a key was given')
  assert.ok(sum.changed > rounds / 4 && sum.passed < rounds, 'the game was played')
  assert.equal(sum.controls, Math.ceil(rounds / EVERY_SO_MANY))
  if (gone.length > 0) assert.ok(sum.pruned > 0, 'more was pruned, or put back')
  return `${rounds} rounds, ${sum.changed} with other entries: ${sum.passed} passed with a checkpoint (${sum.pruned} that begin elsewhere), ${sum.passedAlone} alone, ${sum.passedByKey} with a key; ${sum.refused} mangled checkpoints refused, ${sum.handed} judged; ${sum.several} contradictions named beside others; ${sum.controls} controls; no attacker won`
}

/** Who can write where a checkpoint was kept needs no key to write one that fits what he has made of the ledger. */
async function forgedIsNothing(
  { dir, origin }: Board,
  size: number,
  key: VerifierKey | undefined,
  where: string,
): Promise<void> {
  const tree = await treeOfSegments(dir, size).catch(() => null)
  if (tree === null || size === 0) return
  const text = checkpointText({ origin, size, root: tree.root })
  const note = `${text}\n— ${origin} ${Buffer.alloc(68, 7).toString('base64')}\n`
  for (const keys of [[], key === undefined ? [] : [key]]) {
    const { ok } = await verifyLedger(dir, { trust: { keys, checkpoints: [{ name: 'forged', note }] } })
    assert.equal(ok, false, `with a checkpoint that nobody has signed and ${keys.length} keys: ${where}`)
  }
}
