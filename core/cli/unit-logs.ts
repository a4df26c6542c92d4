import { spawn } from 'node:child_process'
import { Fault } from '../fault.ts'
import { askStatus } from './ask.ts'
import type { Context } from './command.ts'

/** The unit that the service is, as the daemon says; null when it is none, or no daemon answers. */
export async function unitOf(context: Context, name: string): Promise<string | null> {
  try {
    const { services } = await askStatus(context)
    return services.find(service => service.name === name)?.unit ?? null
  } catch {
    return null
  }
}

/** What the unit wrote, from the journal; with `follow` until the context is over. */
export async function unitLogs(
  context: Context,
  unit: string,
  { lines, follow, take }: { readonly lines: number; readonly follow: boolean; readonly take: (bytes: Buffer) => void },
): Promise<void> {
  const args = ['-q', '--no-pager', '-o', 'cat', '-n', String(lines), ...(follow ? ['-f'] : []), '-u', unit]
  const child = spawn('journalctl', args, { stdio: ['ignore', 'pipe', 'inherit'], signal: context.signal })
  child.stdout.on('data', take)
  await new Promise<void>((resolve, reject) => {
    child.once('close', () => resolve())
    child.once('error', error => {
      if (context.signal.aborted) return resolve()
      const hint = `ask it yourself: journalctl -u ${unit}`
      reject(new Fault('logs.journal', `the journal can't be asked: ${error.message}`, { hint, cause: error }))
    })
  })
}
