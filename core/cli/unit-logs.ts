import { execFile, spawn } from 'node:child_process'
import { Fault } from '../fault.ts'
import { askStatus } from './ask.ts'
import type { Context } from './command.ts'
import { cleanLine, cleanLines } from './text.ts'

const MOST_COMPLAINT = 1000
const NAME_MS = 3000

/** The unit that the service is, as the daemon says; null when it is none, or no daemon answers. */
export async function unitOf(context: Context, name: string): Promise<string | null> {
  try {
    const { services } = await askStatus(context)
    return services.find(service => service.name === name)?.unit ?? null
  } catch {
    return null
  }
}

/** What the unit wrote, from the journal; with `follow` until the context is over. A journal that fails is a Fault. */
export async function unitLogs(
  context: Context,
  unit: string,
  { lines, follow, take }: { readonly lines: number; readonly follow: boolean; readonly take: (bytes: Buffer) => void },
): Promise<void> {
  const args = [
    '-q',
    '--no-pager',
    '-o',
    'cat',
    '-n',
    String(lines),
    ...(follow ? ['-f'] : []),
    '-u',
    await ownNameOf(unit),
  ]
  const child = spawn('journalctl', args, { stdio: ['ignore', 'pipe', 'pipe'], signal: context.signal })
  const hint = `ask it yourself: journalctl -u ${unit}`
  let complaint = ''
  child.stdout.on('data', take)
  child.stderr.on('data', (bytes: Buffer) => {
    complaint = (complaint + bytes).slice(0, MOST_COMPLAINT)
  })
  await new Promise<void>((resolve, reject) => {
    child.once('close', (code, by) => {
      if (code === 0 || context.signal.aborted) {
        context.err(cleanLines(complaint))
        return resolve()
      }
      const why = cleanLine(complaint.trim()) || (code === null ? `it was ended by ${by}` : `exit code ${code}`)
      reject(new Fault('logs.journal', `the journal can't be asked: ${why}`, { hint }))
    })
    child.once('error', error => {
      if (context.signal.aborted) return resolve()
      reject(new Fault('logs.journal', `the journal can't be asked: ${error.message}`, { hint, cause: error }))
    })
  })
}

/** The journal knows a unit by its own name alone, not by others (`Alias=`). Where systemd does not answer: the one given. */
function ownNameOf(unit: string): Promise<string> {
  const args = ['show', '--property=Id', '--value', '--', unit]
  const options = { timeout: NAME_MS, killSignal: 'SIGKILL' } as const
  return new Promise(resolve => {
    execFile('systemctl', args, options, (error, stdout) => resolve((error === null && stdout.trim()) || unit))
  })
}
