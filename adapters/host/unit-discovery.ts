import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'

/** A unit of this host that heald could look after. */
export interface OfferedUnit {
  readonly unit: string
  readonly hasFailed: boolean
}

const DEADLINE_MS = 5000
const MAX_OUTPUT = 4 << 20
/** One that has run for so long is meant to run. */
const LONG_RUNNING_MS = 60_000
/** What systemd and the login need of themselves: to restart these is not heald's business. */
const OWN = /^(systemd-|dbus|getty@|serial-getty@|console-getty|user@|user-runtime-dir@|polkit|heald)/
const PROPERTIES = ['Id', 'ActiveState', 'SubState', 'Type', 'ActiveEnterTimestampMonotonic']

/** Services of systemd that have failed or run for long, the failed ones first; empty where there is no systemd. */
export async function offeredUnits(longRunningMs = LONG_RUNNING_MS): Promise<OfferedUnit[]> {
  if (!existsSync('/run/systemd/system')) return []
  const args = ['show', '--type=service', '--state=running,failed', `--property=${PROPERTIES.join(',')}`, '*.service']
  const options = { timeout: DEADLINE_MS, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL' } as const
  const text = await new Promise<string>(resolve => {
    execFile('systemctl', args, options, (error, stdout) => resolve(error === null ? stdout : ''))
  })
  const nowMs = Number(process.hrtime.bigint() / 1_000_000n)
  const found = text.split('\n\n').flatMap(block => {
    const of = new Map(block.split('\n').map(line => line.split('=', 2) as [string, string]))
    const unit = of.get('Id') ?? ''
    const hasFailed = of.get('ActiveState') === 'failed'
    const isOld = nowMs - Number(of.get('ActiveEnterTimestampMonotonic')) / 1000 >= longRunningMs
    const isRunning = of.get('SubState') === 'running' && of.get('Type') !== 'oneshot' && isOld
    return unit !== '' && !OWN.test(unit) && (hasFailed || isRunning) ? [{ unit, hasFailed }] : []
  })
  return found.sort((a, b) => Number(b.hasFailed) - Number(a.hasFailed) || a.unit.localeCompare(b.unit))
}
