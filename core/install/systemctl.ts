import { execFile } from 'node:child_process'
import { Fault } from '../fault.ts'

const DEADLINE_MS = 90_000

/** Runs `systemctl`, or another tool of systemd's; resolves with what it printed. A Fault when it says no. */
export function system(program: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: DEADLINE_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      const said = stderr.trim().split('\n').at(-1) ?? ''
      reject(
        new Fault('install.systemd', `${program} ${args.join(' ')} failed${said === '' ? '' : `: ${said}`}`, {
          hint: `look closer with: ${program === 'systemctl' ? 'journalctl -xe' : `${program} ${args.join(' ')}`}`,
          cause: error,
        }),
      )
    })
  })
}

/** The same where a no is an answer too. */
export function trySystem(program: string, ...args: readonly string[]): Promise<string | null> {
  return system(program, ...args).catch(() => null)
}

/** Stops a unit, or all that were made of a template (`name@.service`), and starts it at no boot. */
export async function endUnit(unit: string): Promise<void> {
  if (unit.includes('@.')) await system('systemctl', 'stop', unit.replace('@.', '@*.'))
  else await system('systemctl', 'disable', '--quiet', '--now', unit)
}

/** So many lines of a unit are shown that does not start. */
const LAST_LINES = 8

/** Starts units anew. A Fault with the last lines of the first that does not come up. */
export async function restartUnits(units: readonly string[]): Promise<void> {
  const sinceMs = Date.now()
  try {
    await system('systemctl', 'restart', ...units)
  } catch (error) {
    for (const unit of units) {
      if ((await trySystem('systemctl', 'is-active', '--quiet', unit)) !== null) continue
      throw new Fault('install.start', `${unit} does not start. Its last lines:`, {
        hint: `${await lastLines(unit, sinceMs)}\nlook closer with: journalctl -u ${unit}`.trim(),
        cause: error,
      })
    }
    throw error
  }
}

/** What it said itself; systemd's words on it where there is nothing. It is being started again meanwhile, which is told too. */
async function lastLines(unit: string, sinceMs: number): Promise<string> {
  // A line that was just written may not be in there yet.
  await trySystem('journalctl', '--sync')
  const journal = ['-q', '-o', 'cat', '-n', String(LAST_LINES), `--since=@${Math.floor(sinceMs / 1000)}`]
  const own = await trySystem('journalctl', ...journal, `_SYSTEMD_UNIT=${unit}`)
  return own || (await trySystem('journalctl', ...journal, '-u', unit)) || ''
}
