import assert from 'node:assert/strict'
import type { ChainRef } from '../../core/entry.ts'
import { latestCheckpoint } from '../../core/ledger/kept.ts'
import type { Ledger } from '../../core/ledger/ledger.ts'
import { receiptOf } from '../../core/ledger/receipt.ts'
import { verifyCommands } from '../../core/ledger/verify-commands.ts'
import { linesIn, seqIn } from '../core/ledger/forged.ts'
import { type Board, mustBeTold } from './attack-board.ts'

/** The chain of commands in the attack game: who kept one receipt may not be told that it is whole where it is another. */

/** Orders of somebody, one after the other. */
export function commander(ledger: Pick<Ledger, 'append'>, chain: ChainRef): (count: number) => Promise<void> {
  return async count => {
    for (let n = 0; n < count; n++)
      await ledger.append({ kind: 'command.requested', data: { id: `c${n}`, verb: 'restart' }, chain })
  }
}

const isCommand = (line: string): boolean => line.includes('"kind":"command.')

/** In one of so many rounds. */
const JUDGED_EVERY = 2

export function commandsOf({ dir, files, gone, lines, size }: Board) {
  const ever = [...gone, ...lines]
  const last = ever[size - 1] ?? assert.fail()
  const kept = receiptOf(size - 1, last.slice(-66, -2))
  let rounds = 0
  const sum = { whole: 0, refused: 0, begun: 0 }

  /** Nothing that was signed is another than heald has signed. */
  function isUnsigned(): boolean {
    const now = latestCheckpoint(dir) ?? ''
    return now === '' || [...files.values()].some(bytes => bytes.equals(Buffer.from(now)))
  }

  return {
    async judge(where: string): Promise<void> {
      if (rounds++ % JUDGED_EVERY !== 0) return
      const verdict = await verifyCommands(dir, { receipts: [kept] })
      if (!verdict.ok) {
        sum.refused++
        return
      }
      sum.whole++
      const from = verdict.pruned?.upTo ?? 0
      const now = linesIn(dir, from)
      const vouched = ever.slice(from, size).filter(isCommand)
      const found = now.filter(line => isCommand(line) && seqIn(line) < size)
      assert.deepEqual(found, vouched, `other commands: ${where}`)
      assert.equal(verdict.provedCommands, vouched.length, `proved: ${where}`)
      if (verdict.pruned === null) return
      if (from !== gone.length) sum.begun++
      mustBeTold(now, ever.slice(0, from), where)
      const { toldBy } = verdict.pruned
      assert.ok(
        now.some(line => seqIn(line) === toldBy && line.includes('"kind":"ledger.pruned"')),
        where,
      )
      if (isUnsigned()) assert.ok((toldBy ?? ever.length) < ever.length, `who has no key has pruned: ${where}`)
    },
    said: () => `commands whole in ${sum.whole} rounds (${sum.begun} that begin elsewhere), refused in ${sum.refused}`,
    sum,
  }
}
