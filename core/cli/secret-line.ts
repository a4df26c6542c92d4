import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Fault } from '../fault.ts'
import type { Context } from './command.ts'

/**
 * One line that nobody else gets to see: on a terminal it is asked for and not shown while it is typed, elsewhere it is the
 * first line of standard input. Arguments are no place for secrets: every user of the host can read those of every program.
 * Null: the input ended before a line came.
 */
export async function secretLine(
  { err, signal }: Pick<Context, 'err' | 'signal'>,
  ask: string,
): Promise<string | null> {
  const { stdin } = process
  const terminal = stdin.isTTY === true
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  // From here on nothing that is typed is shown; so it is not asked for before.
  const lines = createInterface({ input: stdin, output, terminal, historySize: 0 })
  try {
    if (terminal) err(ask)
    return await new Promise<string | null>((resolve, reject) => {
      const interrupt = () => reject(new Fault('interrupted', 'interrupted before anything was done'))
      if (signal.aborted) interrupt()
      signal.addEventListener('abort', interrupt)
      // Where what is typed is not shown Ctrl-C is a key like others.
      lines.once('SIGINT', interrupt)
      lines.once('line', resolve)
      lines.once('close', () => resolve(null))
    })
  } finally {
    lines.close()
    if (terminal) err('\n')
  }
}
