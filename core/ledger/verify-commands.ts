import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { round } from '../clock.ts'
import type { Entry } from '../entry.ts'
import { Fault } from '../fault.ts'
import { type Base, baseOf, segmentsFrom } from './base.ts'
import { type Link, UNFINISHED, type Walk, walkChain } from './chain.ts'
import { segmentFiles } from './files.ts'
import { streamOf } from './given-file.ts'
import { checkLine, ZEROS } from './line.ts'
import { canBeSigned, isSigned } from './proved-prune.ts'
import { despitePrunes } from './pruned-meanwhile.ts'
import { fitsReceipt, parseReceipt, type Receipt } from './receipt.ts'
import { isWithoutEntry } from './torn-end.ts'
import { tellsOf } from './verify-join.ts'
import { planOf } from './verify-plan.ts'
import type { Task } from './verify-walk.ts'

/*
 * Commands are a chain of their own inside the ledger: each of their entries names the hash of the one before. Life of its
 * verification:
 *
 * 1. In a ledger every line has to be the next one of its chain (`chain.ts`), so that a receipt of any entry counts for what
 *    stands before it. In a file of commands each is checked against its own hash.
 * 2. The entries of commands, in their order, have to name each other's hashes, from 64 zeros on.
 * 3. A receipt that was kept elsewhere has to fit its entry. Then nothing of what that entry's hash stands on can be another:
 *    by the chain of commands alone where it is one of a command, else by the ledger's own.
 * 4. Where the beginning is gone, an entry has to tell that it was pruned. With receipts one of them has to be of that entry or
 *    a later one, or the ledger's newest checkpoint has to be signed for it: who has no key can write such an entry too. A file
 *    of commands can't tell what was pruned from what was taken out.
 *
 * Whoever can write the files can compute every hash anew. The receipt is what they can't.
 */

export interface CommandVerdict {
  readonly ok: boolean
  /** Entries of commands that were found good, from the first one on that was not pruned. */
  readonly commands: number
  /** `h` of the last of them; 64 zeros where there is none. */
  readonly head: string
  /** Seq of the last of them; null: there is none. */
  readonly lastSeq: number | null
  readonly firstBad: { readonly seq: number; readonly why: string } | null
  /** What `firstBad` is, where nothing contradicts the commands that are left; null: something does, or all is good. */
  readonly trouble: CommandTrouble | null
  /** Commands up to here are proved by receipts that fit; 0: none was given. */
  readonly provedCommands: number
  /** What is gone from before the first entry that is left; null: nothing. */
  readonly pruned: PrunedCommands | null
  readonly receipts: readonly { readonly receipt: string; readonly fits: boolean; readonly why: string }[]
  readonly tookMs: number
}

/**
 * `unproved`: nothing proves the entry that tells of the prune; `unproved-signable`: `heald ledger checkpoint` could. `cut`: a
 * file begins with a later command than the first, which may have been pruned.
 */
export type CommandTrouble = 'unproved' | 'unproved-signable' | 'cut'

export interface PrunedCommands {
  /** Entries before this one are gone. */
  readonly upTo: number
  /** Seq of the entry that tells of it; null: none does. */
  readonly toldBy: number | null
  readonly isArchived: boolean
  /** Whether commands are among them; null: the ledger has none that could tell. */
  readonly hadCommands: boolean | null
}

export interface CommandVerifyOptions {
  /** As people keep them: `#1042·…`. */
  readonly receipts?: readonly string[]
  readonly signal?: AbortSignal
}

/** The chain of commands in a ledger folder; needs no daemon and changes nothing. */
export function verifyCommands(dir: string, options: CommandVerifyOptions = {}): Promise<CommandVerdict> {
  return despitePrunes(dir, () => verdictOf(dir, options))
}

async function verdictOf(dir: string, { receipts = [], signal }: CommandVerifyOptions): Promise<CommandVerdict> {
  const found = segmentFiles(dir)
  const { base } = baseOf(dir, found)
  const judge = createJudge(receipts, { isWhole: true, base })
  let link: Link = { seq: base?.seq ?? 0, prev: base?.h ?? ZEROS }
  const tasks = planOf(segmentsFrom(base, found), { sizes: [], isOnlyChain: true }).map(({ task }) => task)
  for (const [index, task] of tasks.entries()) {
    const walk = walkLines(task, link, judge)
    // An end that is still being written, or was never finished, is no line: what follows has to follow the one before.
    const isTorn = index === tasks.length - 1 && walk.bad !== null && isWithoutEntry(task.path, walk.goodBytes)
    // Readers go by the names of segments. An empty one at the end says nothing yet.
    if (task.first !== link.seq && walk.goodLines > 0)
      judge.stop({
        seq: link.seq,
        why: `the segment begins with entry ${task.first} where entry ${link.seq} should be`,
      })
    if (walk.bad !== null && walk.bad.why !== UNFINISHED && !isTorn) judge.stop(walk.bad)
    if (judge.isOver()) break
    link = { seq: walk.seq, prev: walk.h }
    // Lets an interrupt in.
    await new Promise(resolve => setImmediate(resolve))
    signal?.throwIfAborted()
  }
  const told = judge.unproved()
  if (told !== null && !(await isSigned(dir, told.toldBy, signal)))
    judge.lack(unprovedWhy(told), (await canBeSigned(dir)) ? 'unproved-signable' : 'unproved', told.upTo)
  return judge.verdict()
}

/** Follows a segment, and hands each line of a command, of a receipt, or of a prune, to the judge. */
function walkLines({ path, validBytes }: Task, link: Link, judge: Judge): Walk {
  let { seq } = link
  const fd = openSync(path, 'r')
  try {
    return walkChain(fd, link, validBytes, (bytes, text) => {
      for (let from = 0, to = 0; from < bytes.length; from = to + 1, seq++) {
        to = text.indexOf('\n', from)
        const line = text.slice(from, to)
        if (judge.isAskedFor(seq) || WANTED.some(kind => line.includes(kind)))
          judge.take(bytes.toString('utf8', from, to), seq)
      }
    })
  } finally {
    closeSync(fd)
  }
}

/** In every line of such an entry, and in few others. */
const WANTED = ['"kind":"command.', '"kind":"ledger.pruned"']

/** The same from nothing but the entries of commands, a line each, in any order: a file of `heald ledger list --json`. */
export async function verifyCommandFile(path: string, options: CommandVerifyOptions = {}): Promise<CommandVerdict> {
  const lines: { readonly seq: number; readonly text: string }[] = []
  const input = streamOf(path, options.signal)
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    options.signal?.throwIfAborted()
    if (text.trim() === '') continue
    const seq = Number(/^\{"v":1,"seq":(\d{1,15}),/.exec(text)?.[1] ?? Number.NaN)
    if (Number.isNaN(seq))
      throw new Fault('usage.path', `${path} is no file of entries`, {
        hint: 'heald ledger list kind:command --json --limit 100000 > FILE',
      })
    lines.push({ seq, text })
  }
  const judge = createJudge(options.receipts ?? [], { isWhole: false, base: null })
  for (const { seq, text } of lines.sort((a, b) => a.seq - b.seq)) judge.take(text, seq)
  return judge.verdict()
}

type Judge = ReturnType<typeof createJudge>

/** An entry that tells of a prune, and what is gone. */
type Told = PrunedCommands & { readonly toldBy: number }

/**
 * `isWhole`: the lines come from a ledger and follow one another there. `base`: what stands for the entries before them; null:
 * they begin at the beginning.
 */
function createJudge(
  receipts: readonly string[],
  { isWhole, base }: { readonly isWhole: boolean; readonly base: Base | null },
) {
  const startMs = performance.now()
  const asked = receipts.map(text => ({ text, receipt: receiptFrom(text) }))
  const found = new Map<string, boolean>()
  const seqs = new Set(asked.map(({ receipt }) => receipt.seq))
  let [commands, head] = [0, ZEROS]
  let lastSeq: number | null = null
  let firstBad: CommandVerdict['firstBad'] = null
  let lack: (NonNullable<CommandVerdict['firstBad']> & { readonly trouble: CommandTrouble }) | null = null
  let proved = 0
  let provedUpTo = -1
  let hadCommands: boolean | null = null
  const prunes: string[] = []

  /** What is wrong with the next line, in words; null: nothing. */
  function look(text: string): string | null {
    const checked = checkLine(text)
    if (!checked.ok) return checked.why
    const { entry } = checked
    if (entry.kind === 'ledger.pruned') prunes.push(text)
    const why = isCommand(entry) ? follow(entry) : isWhole ? null : `it is no entry of a command, but of ${entry.kind}`
    return why ?? compare(entry)
  }

  function follow({ data, h, seq }: Entry): string | null {
    const before = lastSeq === null ? 'the first one' : `#${lastSeq}`
    // Commands before the first one that is left were pruned with all that is older.
    const isFirstLeft = base !== null && lastSeq === null
    if (isFirstLeft) hadCommands = data.prevCommand !== ZEROS
    const isCut = !isWhole && lastSeq === null && data.prevCommand !== ZEROS
    if (isCut) lack = { seq, why: CUT, trouble: 'cut' }
    if (!isFirstLeft && !isCut && data.prevCommand !== head)
      return `it does not follow the command before it (${before}): one was removed, put elsewhere or changed`
    commands += 1
    head = h
    lastSeq = seq
    return null
  }

  function compare(entry: Entry): string | null {
    for (const { text, receipt } of asked) {
      if (receipt.seq !== entry.seq) continue
      const fits = fitsReceipt(receipt, entry)
      found.set(text, fits)
      if (!fits) return 'a receipt that was kept elsewhere was given for another entry: the past was rewritten'
      proved = commands
      provedUpTo = entry.seq
    }
    return null
  }

  function pruned(): PrunedCommands | null {
    if (base === null) return null
    const told = tellsOf(base, prunes)
    return { upTo: base.seq, toldBy: told?.seq ?? null, isArchived: told?.data.archive != null, hadCommands }
  }

  return {
    isAskedFor: (seq: number) => seqs.has(seq),
    take(text: string, seq: number): void {
      if (firstBad !== null) return
      const why = look(text)
      if (why !== null) firstBad = { seq, why }
    },
    /** Nothing is to be said of what comes after this line. */
    stop({ seq, why }: { readonly seq: number; readonly why: string }): void {
      firstBad ??= { seq, why }
    },
    /** Nothing contradicts what is left from entry `seq` on, and yet not all is proved. */
    lack(why: string, trouble: CommandTrouble, seq: number): void {
      lack = { seq, why, trouble }
    },
    isOver: () => firstBad !== null,
    /** An entry that tells of a prune, if all is good and it is later than each receipt that was given. */
    unproved(): Told | null {
      const gone = pruned()
      if (asked.length === 0 || firstBad !== null || gone === null || gone.toldBy === null) return null
      return gone.toldBy > provedUpTo ? { ...gone, toldBy: gone.toldBy } : null
    },
    verdict(): CommandVerdict {
      const gone = pruned()
      if (firstBad === null && gone !== null && gone.toldBy === null)
        firstBad = { seq: gone.upTo, why: 'the entries before it are gone, and no entry tells that they were pruned' }
      const missing = asked.find(({ text }) => !found.has(text))
      if (firstBad === null && missing !== undefined) {
        const why = isWhole
          ? 'the entry of a receipt is not there any more'
          : 'the entry of a receipt is not in the file'
        firstBad = { seq: missing.receipt.seq, why }
      }
      const trouble = firstBad === null ? (lack?.trouble ?? null) : null
      if (firstBad === null && lack !== null) firstBad = { seq: lack.seq, why: lack.why }
      return {
        ...{ ok: firstBad === null, commands, head, lastSeq, firstBad, trouble },
        ...{ provedCommands: proved, pruned: gone },
        receipts: asked.map(({ text, receipt }) => receiptWord(text, receipt, found.get(text))),
        tookMs: round(performance.now() - startMs),
      }
    },
  }
}

function unprovedWhy({ toldBy }: Told): string {
  return `the entries before it were pruned, as entry #${toldBy} tells, and neither a receipt that was given nor the ledger's newest checkpoint proves that entry`
}

const CUT =
  "the commands before it are not in the file: they were pruned, or somebody took them out, and a file can't tell which"

function receiptWord(text: string, { seq }: Receipt, fits: boolean | undefined) {
  const why = fits === true ? 'it is the entry' : fits === false ? 'it is another entry' : `#${seq} was not reached`
  return { receipt: text, fits: fits === true, why }
}

function isCommand({ kind }: Entry): boolean {
  return kind.startsWith('command.')
}

function receiptFrom(text: string): Receipt {
  const receipt = parseReceipt(text)
  if (receipt !== null) return receipt
  throw new Fault('usage.receipt', `${JSON.stringify(text.slice(0, 80))} is not a receipt`, {
    hint: 'it looks like #1042·abcdefghijklmnopqrstuvwxyz, and stands under each card',
  })
}
