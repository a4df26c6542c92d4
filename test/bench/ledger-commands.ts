import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

/*
 * Commands that are run beside a ledger, by a process of their own: to start one from the process whose event loop is
 * looked at would hold that loop by itself.
 */

const ROOT = resolve(import.meta.dirname, '../..')

interface Ended {
  readonly code: number | null
  readonly said: string
}

export interface Commands {
  /** `heald ledger …`; resolves to what it printed. Rejects where it fails. */
  run(...words: readonly string[]): Promise<string>
  end(): void
}

/** `state`: the state folder whose ledger they are about. */
export async function commandsBeside(state: string): Promise<Commands> {
  const child: ChildProcess = fork(import.meta.filename, [state])
  await once(child, 'message')
  return {
    async run(...words) {
      child.send(words)
      const [{ code, said }] = (await once(child, 'message')) as [Ended]
      if (code !== 0) throw new Error(`heald ledger ${words[0]}: ${said.slice(0, 500)}`)
      return said
    },
    end: () => child.disconnect(),
  }
}

async function runOne(words: readonly string[], state: string): Promise<Ended> {
  const argv = [resolve(ROOT, 'heald.ts'), 'ledger', ...words, '--state', state]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said }
}

if (import.meta.main) {
  const [state = ''] = process.argv.slice(2)
  process.on('message', async (words: readonly string[]) => process.send?.(await runOne(words, state)))
  process.send?.('ready')
}
