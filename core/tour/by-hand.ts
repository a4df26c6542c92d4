import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { messageOf } from '../fault.ts'
import { spanOf } from '../incident/measure.ts'
import { SEAL_CHARS } from '../ledger/line.ts'
import { verifyLedger } from '../ledger/verify.ts'
import { quoted } from './plan.ts'
import type { Scene } from './stage.ts'

const SEGMENT = '000000000000.jsonl'
const SHELL_TIMEOUT_MS = 5000
const HASH_CHARS = 64

/** Verifies the ledger with heald's own code, then one line of it without any: with sed, head, tail and sha256sum. */
export const recorded: Scene = {
  title: 'All of it is on record, and anybody can check that',
  async play({ plan, page, watch }) {
    const verdict = await verifyLedger(join(plan.dir, 'ledger'))
    const { firstBad } = verdict
    if (firstBad !== null) {
      page.say('verify', `entry #${firstBad.seq} is bad: ${firstBad.why}`, 'bad')
      return false
    }
    page.say('verify', `${verdict.size} entries, one unbroken chain, checked in ${spanOf(verdict.tookMs)}`, 'good')
    const seq = watch.since(0).find(entry => entry.kind === 'service.exited')?.seq ?? 0
    const folder = join(plan.dir, 'ledger', 'seg')
    const commands = checkLine(seq)
    page.commands('by hand', [[`cd ${quoted(folder)}`]])
    try {
      const [computed, claimed] = [await shell(commands.compute, folder), await shell(commands.read, folder)]
      page.commands('', [[commands.compute, `# entry #${seq} up to its seal`]])
      page.say('', computed)
      page.commands('', [[commands.read, '# the hash in its seal']])
      page.say('', claimed)
      const isSame = computed.slice(0, HASH_CHARS) === claimed
      page.say('', isSame ? 'the same: not one byte of it was changed' : 'NOT the same', isSame ? 'good' : 'bad')
      return isSame
    } catch (error) {
      page.say('', `the shell could not do it: ${messageOf(error)}`, 'bad')
      return false
    }
  },
}

/** Two lines of shell: SHA-256 of all before the seal (`,"h":"` + 64 hex + `"}` + LF), and the hash that the seal holds. */
export function checkLine(seq: number): { readonly compute: string; readonly read: string } {
  const line = `sed -n ${seq + 1}p ${SEGMENT}`
  return {
    compute: `${line} | head -c -${SEAL_CHARS + 1} | sha256sum`,
    read: `${line} | tail -c ${HASH_CHARS + 3} | head -c ${HASH_CHARS}`,
  }
}

function shell(command: string, cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', command], { cwd, timeout: SHELL_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null && stderr === '') resolve(stdout.trim())
      else reject(new Error(stderr.trim() || messageOf(error), { cause: error }))
    })
  })
}
