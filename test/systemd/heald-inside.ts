import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServiceStatus, Status } from '../../core/api/control.ts'
import { askStatus } from '../../core/cli/ask.ts'
import type { Entry } from '../../core/entry.ts'
import { Fault } from '../../core/fault.ts'
import { OPEN } from '../../core/install/confinement.ts'
import { until } from '../until.ts'
import { type Machine, ROOT } from './machine.ts'
import type { Ran } from './run-inside.ts'

/** heald as a unit of a machine, confined as `heald install` confines it. */
export interface HealdInside {
  readonly state: string
  /** Its socket, from outside. */
  socket(): string
  /** Writes the configuration; `up` or a reload takes it. */
  configure(config: object): void
  /** Starts it and waits until its socket answers. */
  up(): Promise<void>
  /** kill -9; systemd does not restart it. */
  kill(): Promise<void>
  /** Its process as this host numbers it; 0: none. */
  pid(): number
  /** kill -9 from outside, at once; gives the process that it was. */
  strike(): Promise<number>
  /** From now on systemd restarts it. */
  restartAlways(afterMs?: number): Promise<void>
  cli(...words: string[]): Promise<Ran>
  json<T>(...words: string[]): Promise<T>
  /** Asked from outside, so as often as one likes; null: nobody answers. */
  status(): Promise<Status | null>
  service(name: string): Promise<ServiceStatus>
  /** Waits for an entry that fits. */
  entry(what: string, fits: (entry: Entry) => boolean, withinMs?: number): Promise<Entry>
  entries(): Entry[]
  of(kind: string, svc?: string): Entry[]
  /** What the daemon printed. */
  said(): Promise<string>
  verified(): Promise<void>
}

const HEALD = join(ROOT, 'heald.js')
const UNIT = 'heald-test.service'
const STATUS_MS = 10_000
/** Often enough: a look at all that is recorded, or at all that stands, is work for both sides. */
const LOOK_EVERY_MS = 60

/** Where its sockets are where `hasBot`: a bot that is shut in sees nothing of the state folder. */
const RUNTIME = '/run/heald'

/** `unit`: more lines of its `[Service]`. */
interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly unit?: string
  readonly hasBot?: boolean
}

export function healdInside(machine: Machine, { env = {}, unit = '', hasBot = false }: Options = {}): HealdInside {
  const name = 'state'
  const state = join(machine.shared, name)
  const config = join(machine.shared, `${name}.yaml`)
  const asked = hasBot ? ['env', `RUNTIME_DIRECTORY=${RUNTIME}`] : []
  function writeUnit(more: string): void {
    const set = Object.entries(env).map(([key, value]) => `Environment="${key}=${value}"\n`)
    const runtime = hasBot ? 'RuntimeDirectory=heald\nRuntimeDirectoryMode=0711\n' : ''
    const command = [process.execPath, HEALD, 'up', '--config', config, '--state', state].join(' ')
    const text = `[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=${command}\nKillMode=process\nDelegate=yes\n${set.join('')}${runtime}${OPEN}${unit}${more}`
    mkdirSync(join(machine.root(), 'run/systemd/system'), { recursive: true })
    writeFileSync(join(machine.root(), 'run/systemd/system', UNIT), text)
  }
  const heald: HealdInside = {
    state,
    socket: () => join(hasBot ? join(machine.root(), RUNTIME) : state, 'heald.sock'),
    configure: written => writeFileSync(config, JSON.stringify(written, null, 2)),
    async up() {
      writeUnit('')
      await machine.must('systemctl', 'daemon-reload')
      await machine.run('systemctl', 'reset-failed', UNIT)
      await machine.must('systemctl', 'start', UNIT)
      await until(`heald to answer`, async () => (await heald.status()) !== null, 30_000, LOOK_EVERY_MS).catch(
        async error => {
          throw new Error(`${error}\n${await heald.said()}`)
        },
      )
    },
    async kill() {
      const { MainPID } = await machine.show(UNIT, 'MainPID')
      await machine.must('kill', '-9', String(MainPID))
      await until('heald to be gone', async () => (await machine.show(UNIT, 'ActiveState')).ActiveState !== 'active')
      await machine.run('systemctl', 'reset-failed', UNIT)
    },
    pid: () => findProcess(`up\0--config\0${config}\0`),
    async strike() {
      const pid = heald.pid()
      assert.ok(pid > 0, 'heald runs')
      process.kill(pid, 'SIGKILL')
      await until('its process to be gone', () => heald.pid() !== pid)
      return pid
    },
    async restartAlways(afterMs = 100) {
      writeUnit(`Restart=always\nRestartSec=${afterMs}ms\n`)
      await machine.must('systemctl', 'daemon-reload')
    },
    cli: (...words) => machine.run(...asked, process.execPath, HEALD, ...words, '--state', state),
    async json<T>(...words: string[]) {
      const { code, stdout, stderr } = await heald.cli(...words, '--json')
      assert.ok(code === 0 || code === 1, `heald ${words.join(' ')}: ${code}\n${stdout}${stderr}`)
      return JSON.parse(stdout) as T
    },
    async status() {
      try {
        return await askStatus({ socket: heald.socket(), signal: AbortSignal.timeout(STATUS_MS) })
      } catch (error) {
        if (error instanceof Fault && /^(daemon|interrupted)/.test(error.code)) return null
        throw error
      }
    },
    async service(wanted) {
      const { services } = (await heald.status()) ?? assert.fail('heald does not answer')
      return services.find(each => each.name === wanted) ?? assert.fail(`status names no service ${wanted}`)
    },
    async entry(what, fits, withinMs = 60_000) {
      let found: Entry | undefined
      await until(
        what,
        () => {
          found = heald.entries().find(fits)
          return found !== undefined
        },
        withinMs,
        LOOK_EVERY_MS,
      ).catch(async error => {
        const lines = heald
          .entries()
          .slice(-25)
          .map(e => `${e.seq} ${e.kind} ${e.svc ?? ''} ${JSON.stringify(e.data)}`)
        throw new Error(`${error}\nledger's end:\n${lines.join('\n')}\nheald said:\n${await heald.said()}`)
      })
      return found ?? assert.fail()
    },
    entries() {
      const folder = join(state, 'ledger/seg')
      const names = existsSync(folder) ? readdirSync(folder).filter(file => file.endsWith('.jsonl')) : []
      return names
        .sort()
        .flatMap(file => readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1).flatMap(parsed))
    },
    of: (kind, svc) => heald.entries().filter(e => e.kind === kind && (svc === undefined || e.svc === svc)),
    said: async () => (await machine.run('journalctl', '-q', '-o', 'cat', '-u', UNIT)).stdout,
    async verified() {
      const { ok } = await heald.json<{ ok: boolean }>('ledger', 'verify')
      assert.ok(ok, 'the ledger verifies')
      const withheld = heald.entries().filter(entry => entry.data.withheld !== undefined)
      assert.deepEqual(withheld, [], 'a field was handed to the ledger that it does not let in')
    },
  }
  return heald
}

/** Nothing for a line that a kill has torn, or that is being written. */
function parsed(line: string): Entry[] {
  try {
    return [JSON.parse(line) as Entry]
  } catch {
    return []
  }
}

/** The process whose arguments hold these; 0 where there is none. */
function findProcess(words: string): number {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(words)) return Number(pid)
    } catch {
      // It has just ended.
    }
  }
  return 0
}
