import { codeOf, messageOf } from '../fault.ts'
import { goingUntil } from './prune-plan.ts'
import { damagedLedger, preparePrune } from './prune-prepare.ts'
import type { PrepareAnswer } from './retention.ts'

/** The child of retention.ts: prepares a prune of the ledger DIR until UNTIL (ms), with an archive in FOLDER unless ''. */
async function answer(dir: string, untilMs: number, folder: string): Promise<PrepareAnswer> {
  try {
    const going = goingUntil(dir, untilMs)
    const made = await preparePrune(dir, going, folder === '' ? null : folder)
    if ('verdict' in made) throw damagedLedger(made.verdict)
    const { archived } = made
    return {
      upTo: going.at(-1)?.end ?? 0,
      archive: archived === null ? null : { sha256: archived.sha256, folder: archived.folder },
    }
  } catch (error) {
    return { code: codeOf(error), why: messageOf(error) }
  }
}

const [dir = '', untilMs = '', folder = ''] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await answer(dir, Number(untilMs), folder)))
