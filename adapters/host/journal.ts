import { execFile } from 'node:child_process'
import { fromLineStart } from './logs.ts'

/** Reads the last words of units from the journal, one question at a time: each takes journalctl some 20 ms. */
export interface Journal {
  /** What the run `run` (32 hex) of a unit wrote last, at most 2 KiB; '' where the journal has nothing or does not answer. */
  tail(run: string): Promise<string>
}

const LINES = 20
const TAIL_BYTES = 2048
const DEADLINE_MS = 3000
const MAX_OUTPUT = 1 << 20
/** journald takes a moment to hear what a process wrote just before its end. */
const SETTLE_MS = 50
/** More questions than this at once go unanswered. */
const MOST_WAITING = 100

export function openJournal(): Journal {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return {
    async tail(run) {
      if (waiting >= MOST_WAITING) return ''
      waiting += 1
      const asked = last.then(() => ask(run))
      last = asked
      try {
        return await asked
      } finally {
        waiting -= 1
      }
    },
  }
}

async function ask(run: string): Promise<string> {
  await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
  const args = ['-q', '--no-pager', '-o', 'cat', '-n', String(LINES), `_SYSTEMD_INVOCATION_ID=${run}`]
  const options = { timeout: DEADLINE_MS, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL', cwd: '/' } as const
  const text = await new Promise<string>(resolve => {
    execFile('journalctl', args, options, (error, stdout) => resolve(error === null ? stdout : ''))
  })
  const bytes = Buffer.from(text)
  return bytes.length <= TAIL_BYTES ? text : fromLineStart(bytes.subarray(-TAIL_BYTES).toString('utf8'))
}
