import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from './account.ts'
import type { Exit, Run } from './activation.ts'
import { killWhole } from './activation-kill.ts'
import { keepShort, lastLine, type Output } from './activation-output.ts'
import { unifiedMount } from './cgroup.ts'
import { type Ended, runCommand } from './command.ts'
import { findProgram } from './dead-man-tools.ts'
import { commandEnv } from './nix.ts'
import { exported, quoted } from './shell-words.ts'
import { TargetFault } from './target-fault.ts'

/**
 * A run as a transient unit of systemd: neither the end of our own unit nor its confinement is anything to it.
 *
 * Life of such a run
 *
 * 1. Its command and environment are written as a script into a folder of its own, for root alone: they may hold secrets,
 *    and arguments and a unit's properties are for everybody to read. Nor would a `$` in those outlive a reload of systemd.
 * 2. systemd starts it. Without the script nothing runs: what is to begin no more loses its folder first.
 * 3. systemd writes down there how it ended, so that nothing of it needs us: no pipe, which would end it with us.
 * 4. Its folder is removed. What it leaves running goes on in the unit's group.
 *
 * Where we end before step 4, the next of us can take it up: it still runs, or how it ended is written down.
 */
export interface UnitRun extends Run {
  /** Forgets it, whether it has ended or not. */
  close(): void
}

export interface UnitOrder {
  readonly target: string
  /** The target's path: names the runs of this target. */
  readonly path: string
  readonly argv: readonly string[]
  /** What is ordered, by which it can be taken up. */
  readonly order: string
  readonly env: Readonly<Record<string, string>>
  /** Whose command it is, once it has become that user. */
  readonly account: Account | null
}

/** Where systemd keeps the files of its transient units, from the order to start one until it is forgotten. */
const TRANSIENT = '/run/systemd/transient'
/** Of the runs. */
const FOLDERS = '/run'
const SLICE = 'system.slice'
const PREFIX = 'heald-switch-'
const ORDER_MS = 5000
const GONE_MS = 5000
const LOOK_MS = 10

/** Whether systemd runs this machine and would take an order of ours. */
export function hasSystemd(): boolean {
  return process.geteuid?.() === 0 && existsSync('/run/systemd/system')
}

/** Null where systemd did not start it: then nothing of it runs, nor ever will. Rejects where that can't be made sure of. */
export async function startUnitRun({ target, path, argv, order, env, account }: UnitOrder): Promise<UnitRun | null> {
  const program = await findProgram('systemd-run', commandEnv({}).PATH ?? '')
  if (program === null) return null
  const unit = `${PREFIX}${target.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100)}-${keyOf(path)}-${randomBytes(8).toString('hex')}`
  const folder = join(FOLDERS, unit)
  const properties = [
    // What it leaves running is its own business: it may have started the service.
    ...['KillMode=process', 'SendSIGKILL=no', 'TimeoutStartSec=infinity', 'StandardInput=null'],
    ...['StandardOutput', 'StandardError'].map(stream => `${stream}=append:${join(folder, 'output')}`),
    `ExecStopPost=/bin/sh ${join(folder, 'ended')}`,
  ]
  const settings = [
    ...['--quiet', '--collect', '--no-block', `--unit=${unit}`, `--slice=${SLICE}`, '--service-type=oneshot'],
    `--description=heald: activates a generation of ${target}`,
    ...properties.map(each => `--property=${each}`),
  ]
  let output: Output | null = null
  try {
    mkdirSync(folder, { mode: 0o700 })
    writeFileSync(join(folder, 'command'), `${exported(env)}exec ${argv.map(quoted).join(' ')}\n`)
    writeFileSync(join(folder, 'order'), order)
    writeFileSync(join(folder, 'ended'), `echo "$EXIT_CODE $EXIT_STATUS" > ${join(folder, 'result')}\n`)
    output = outputIn(folder)
    // So that the command can open /dev/stderr, which is this file, anew.
    if (account !== null) fchownSync(output.fd, account.uid, account.gid)
  } catch {
    // It is full, or ours may not write there: there is another way to run it.
    forget(folder, output)
    return null
  }
  const { exitCode } = await runCommand([program, ...settings, '--', '/bin/sh', join(folder, 'command')], {
    env: commandEnv({}),
    deadlineMs: ORDER_MS,
  })
  if (exitCode !== 0) {
    // It may have been heard all the same, and must not begin beside the run that takes its place.
    forget(folder, output)
    if (!(await killUnit(unit))) throw unkillable(`${unit}.service`)
    return null
  }
  return runOf(unit, output)
}

function outputIn(folder: string): Output {
  const { O_RDWR, O_APPEND, O_CREAT } = constants
  return { fd: openSync(join(folder, 'output'), O_RDWR | O_APPEND | O_CREAT, 0o600), earlier: '' }
}

function runOf(unit: string, output: Output): UnitRun {
  const folder = join(FOLDERS, unit)
  const stop = new AbortController()
  return {
    exit: exitOf(unit, join(folder, 'result'), output, stop.signal),
    kill: () => killUnit(unit),
    lastLine: () => lastLine(output),
    close() {
      stop.abort()
      forget(folder, output)
    },
  }
}

/** Of the target at `path`, with this order, by an earlier one of us: it runs, or how it ended is known. Null: there is none. */
export function findUnitRun(path: string, order: string): string | null {
  const isToBeHad = (unit: string) =>
    readOr(join(FOLDERS, unit, 'order')) === order && (isKnown(unit) || readOr(join(FOLDERS, unit, 'result')) !== '')
  return (hasSystemd() && namesIn(FOLDERS).find(name => isOfTarget(name, path) && isToBeHad(name))) || null
}

/** Goes on with what `findUnitRun` has found. */
export function takeUpUnitRun(unit: string): UnitRun {
  return runOf(unit, outputIn(join(FOLDERS, unit)))
}

/** Ends all runs of the target at `path` as units, and those that were only ordered. */
export async function endUnits(path: string): Promise<void> {
  if (!hasSystemd()) return
  const isOurs = (name: string) => isOfTarget(name, path)
  for (const name of namesIn(FOLDERS).filter(isOurs)) rmSync(join(FOLDERS, name), { recursive: true, force: true })
  for (const name of namesIn(TRANSIENT)) {
    const unit = name.replace(/\.service$/, '')
    if (!isOurs(name) || (await hasEnded(unit)) || (await killUnit(unit))) continue
    throw unkillable(name)
  }
}

function isOfTarget(name: string, path: string): boolean {
  return name.startsWith(PREFIX) && name.includes(`-${keyOf(path)}-`)
}

function unkillable(name: string): TargetFault {
  return new TargetFault('target.unkillable', `an earlier activation (${name}) can not be killed`, {
    ...{ retry: 'now', hint: `See what it waits for: systemctl status ${name}` },
  })
}

/** Its folder first: then it can't begin any more. */
function forget(folder: string, output: Output | null): void {
  rmSync(folder, { recursive: true, force: true })
  if (output !== null) closeSync(output.fd)
}

/** Does not resolve once `stop` is aborted. */
async function exitOf(unit: string, result: string, output: Output, stop: AbortSignal): Promise<Exit> {
  while (!stop.aborted) {
    // Asked first: once systemd has forgotten the unit, the result is there or never will be.
    const isGone = !isKnown(unit)
    const [, how, status = ''] = /^(\w+) (\w+)\n$/.exec(readOr(result)) ?? []
    if (how === 'exited') return { code: Number(status), why: status === '0' ? null : `ended with exit code ${status}` }
    if (how !== undefined) return { code: null, why: `was ended by SIG${status}` }
    if (isGone) return { code: null, why: 'was ended, and systemd does not say how' }
    // Often: until then a command that floods its output does so in memory.
    keepShort(output)
    await sleep(LOOK_MS)
  }
  return new Promise(() => {})
}

function isKnown(unit: string): boolean {
  return existsSync(join(TRANSIENT, `${unit}.service`))
}

/** What it left running keeps systemd from forgetting it, and is nothing to end. */
async function hasEnded(unit: string): Promise<boolean> {
  const { out } = await systemctl('show', '--property=ActiveState', '--value', `${unit}.service`)
  return ['inactive', 'failed'].includes(out.trim())
}

function systemctl(...words: string[]): Promise<Ended> {
  return runCommand(['systemctl', ...words], { env: commandEnv({}), deadlineMs: ORDER_MS })
}

/** Kills all of a unit's processes, and calls off its start; whether nothing is left. */
async function killUnit(unit: string): Promise<boolean> {
  const group = groupOf(unit)
  if (isKnown(unit)) {
    await systemctl('stop', '--no-block', `${unit}.service`)
    if (group === null) await systemctl('kill', '--signal=KILL', '--kill-who=all', `${unit}.service`)
  }
  if (!(await killWhole(0, group))) return false
  for (const fromMs = performance.now(); isKnown(unit); await sleep(LOOK_MS))
    if (performance.now() - fromMs > GONE_MS) return false
  return true
}

/** The unit's control group; null where there is no unified hierarchy. */
function groupOf(unit: string): string | null {
  const mount = unifiedMount()
  // Of `0::/init.scope`, which systemd itself is in.
  const init = /^0::(.*)$/m.exec(readOr('/proc/1/cgroup'))?.[1]
  return mount === null || init === undefined ? null : join(mount, dirname(init), SLICE, `${unit}.service`)
}

/** The folders of all runs of the target at `path`, as a shell's pattern. */
export function unitRunsOf(path: string): string {
  return join(FOLDERS, `${PREFIX}*-${keyOf(path)}-*`)
}

function keyOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 16)
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

/** '' for what can't be read. */
export function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
