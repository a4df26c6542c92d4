import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceStatus, Status } from '../../core/api/control.ts'
import type { Entry } from '../../core/entry.ts'
import type { Incident } from '../../core/incident/fold.ts'
import { type Daemon, daemonOf } from './daemon.ts'
import { answers, cmdline, endAll, groupFolders, markedProcesses, processesOf } from './leftovers.ts'

/*
 * Life of a journey
 *
 * 1. A temporary home and state folder are made; the configuration is written as JSON (which is YAML too).
 * 2. A daemon is started by the command line, like a user would, and is ready when its socket answers.
 * 3. The test does harm, and reads what came of it: by the command line, from the ledger's files, from /proc.
 * 4. Everything is ended by pid or by the control groups of this one state folder, and removed.
 */

export const ROOT = new URL('../../', import.meta.url).pathname
const HEALD = join(ROOT, 'heald.js')
export const FIXTURES = join(ROOT, 'test/fixtures')
export const NODE = process.execPath

/** Small counts by default; the ones of the promise with `HEALD_SOAK=full`. */
export function soak(small: number, full: number): number {
  return process.env.HEALD_SOAK === 'full' ? full : small
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `input`: what comes on its standard input; left out: nothing does. */
type Options = { readonly env?: Record<string, string>; readonly input?: string }

export interface ConfigInput {
  readonly services: Record<string, ServiceInput>
  readonly [key: string]: unknown
}
export type ServiceInput = { readonly run: readonly string[]; readonly env?: Record<string, string> } & {
  readonly [key: string]: unknown
}

export type { Daemon }
export type Stand = Awaited<ReturnType<typeof makeStand>>

/** `node` and `front`: another Node, and the heald.js of an installation. */
export async function makeStand(t: TestContext, { node = NODE, front = HEALD } = {}) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'heald-journey-')))
  const state = join(root, 'state')
  const home = join(root, 'home')
  const configPath = join(root, 'heald.yaml')
  const daemonLog = join(root, 'daemon.log')
  const mark = randomBytes(6).toString('hex')
  const children = new Set<ChildProcess>()
  const undo: (() => void)[] = []
  mkdirSync(home)
  const env: Record<string, string> = {
    PATH: `${join(node, '..')}:${process.env.PATH ?? ''}`,
    HOME: home,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
  }

  function start(argv: readonly string[], options: Options & { stdio?: 'pipe' | number } = {}) {
    const [file = '', ...args] = argv
    const out = options.stdio ?? 'pipe'
    const stdio = [options.input === undefined ? 'ignore' : 'pipe', out, out] as const
    const child = spawn(file, args, { cwd: root, env: { ...env, ...options.env }, stdio: [...stdio] })
    child.stdin?.end(options.input)
    children.add(child)
    child.once('exit', () => children.delete(child))
    return child
  }

  /** Runs any command to its end. */
  async function run(argv: readonly string[], options: Options & { timeoutMs?: number } = {}) {
    const child = start(argv, options)
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
        text[name] += chunk
      })
    }
    const timeoutMs = options.timeoutMs ?? 60_000
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    clearTimeout(timer)
    if (child.signalCode === 'SIGKILL') throw new Error(`${argv.join(' ')} did not end within ${timeoutMs} ms`)
    return { code, ...text } satisfies Ran
  }

  const heald = (...words: string[]) => [node, front, ...words, '--state', state]
  const cli = (...words: string[]): Promise<Ran> => run(heald(...words))

  /** One JSON document from the command line. Exit code 1 ("the thing is bad") still carries it. */
  async function json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await cli(...words, '--json')
    assert.ok(
      code === 0 || code === 1,
      `heald ${words.join(' ')} --json: exit code ${code}\n${stdout}${stderr}\ndaemon said:\n${said()}`,
    )
    return JSON.parse(stdout) as T
  }

  /** Runs a command that has to succeed. */
  async function must(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await cli(...words)
    assert.equal(code, 0, `heald ${words.join(' ')}: exit code ${code}\n${stdout}${stderr}\ndaemon said:\n${said()}`)
    return stdout
  }

  function configure(config: ConfigInput): void {
    const services = Object.entries(config.services).map(([name, service]) => [
      name,
      { ...service, env: { ...service.env, HEALD_MARK: `${mark}/${name}` } },
    ])
    writeFileSync(configPath, JSON.stringify({ ...config, services: Object.fromEntries(services) }, null, 2))
  }

  async function up(
    options: {
      env?: Record<string, string>
      timeoutMs?: number
      wrap?: readonly string[]
      /** In the place of heald.js. */
      program?: string
    } = {},
  ) {
    const timeoutMs = options.timeoutMs ?? 30_000
    const log = openSync(daemonLog, 'a')
    const { wrap = [], program = front } = options
    const argv = [...wrap, node, program, 'up', '--config', configPath, '--state', state]
    const child = start(argv, { ...options, stdio: log })
    closeSync(log)
    const daemon = daemonOf(child)
    const deadline = performance.now() + timeoutMs
    while (!(await answers(join(env.RUNTIME_DIRECTORY ?? state, 'heald.sock')))) {
      const gone = child.exitCode ?? child.signalCode
      if (gone !== null) throw new Error(`the daemon ended (${gone}) before it was ready:\n${said()}`)
      if (performance.now() > deadline) throw new Error(`the daemon was not ready within ${timeoutMs} ms:\n${said()}`)
      await sleep(10)
    }
    return daemon
  }

  /** The end of what the daemons of this stand printed. */
  function said(): string {
    return existsSync(daemonLog) ? readFileSync(daemonLog, 'utf8').slice(-4000) : ''
  }

  /** All valid lines of the ledger's files: what a file holds beyond the size its successor names is void. */
  function entries(): Entry[] {
    const folder = join(state, 'ledger/seg')
    const names = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.jsonl')) : []
    let validBytes = Number.POSITIVE_INFINITY
    const files: Entry[][] = []
    for (const name of names.sort().reverse()) {
      const bytes = readFileSync(join(folder, name)).subarray(0, validBytes)
      const lines = bytes
        .subarray(0, bytes.lastIndexOf(10) + 1)
        .toString('utf8')
        .split('\n')
      const parsed = lines.filter(line => line !== '').map(line => JSON.parse(line) as Entry)
      const previous = parsed[0]?.data.previous as { validBytes?: number } | undefined
      validBytes = previous?.validBytes ?? Number.POSITIVE_INFINITY
      files.unshift(parsed)
    }
    return files.flat()
  }

  const of = (kind: string, svc?: string) =>
    entries().filter(entry => entry.kind === kind && (svc === undefined || entry.svc === svc))

  /** Waits until `look` answers with something, and gives it. */
  async function wait<T>(what: string, look: () => T | Promise<T>, timeoutMs = 60_000): Promise<NonNullable<T>> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const lookedMs = performance.now()
      const found = await look()
      const tookMs = performance.now() - lookedMs
      if (found !== undefined && found !== null && found !== false) return found
      if (performance.now() > deadline) {
        const last = entries().slice(-12)
        const lines = last.map(e => `${e.seq} ${e.kind} ${e.svc ?? ''} ${JSON.stringify(e.data)}`).join('\n')
        throw new Error(`waited ${timeoutMs} ms for: ${what}\nledger's end:\n${lines}\ndaemon said:\n${said()}`)
      }
      // Looking through a long ledger must not take the machine from what it waits for.
      await sleep(Math.min(200, Math.max(20, 10 * tookMs)))
    }
  }

  const status = () => json<Status>('status')
  async function service(name: string): Promise<ServiceStatus> {
    const found = (await status()).services.find(each => each.name === name)
    assert.ok(found, `status names no service ${name}`)
    return found
  }
  const inState = (name: string, ...states: string[]) =>
    wait(`${name} is ${states.join(' or ')}`, async () => {
      const found = await service(name)
      return states.includes(found.state) ? found : null
    })

  /** Live processes whose environment names the service, launching shells left out. */
  function processes(name: string): number[] {
    return markedProcesses(`HEALD_MARK=${mark}/${name}\0`)
  }

  /** The one process of a service; fails when there are more or none. */
  async function onlyProcess(name: string): Promise<number> {
    const pids = await wait(`${name} has one process`, () => {
      const found = processes(name)
      return found.length === 1 ? found : null
    })
    return pids[0] ?? assert.fail()
  }

  /** An independent judge's word on the ledger's files. */
  async function judge(): Promise<void> {
    const { code, stdout, stderr } = await run([
      'python3',
      join(ROOT, 'test/faults/check_ledger.py'),
      join(state, 'ledger'),
    ])
    assert.equal(code, 0, `check_ledger.py: ${stdout}${stderr}`)
  }

  async function verified(): Promise<void> {
    const verdict = await json<{ ok: boolean; firstBad: unknown }>('ledger', 'verify')
    assert.ok(verdict.ok, `ledger verify: ${JSON.stringify(verdict)}`)
    const withheld = entries().filter(entry => entry.data.withheld !== undefined)
    assert.deepEqual(withheld, [], 'a field was handed to the ledger that it does not let in')
    await judge()
  }

  const groupName = `heald-${createHash('sha256').update(state).digest('hex').slice(0, 8)}`

  /** What is left of this state folder on the host: processes, control groups, the socket. */
  function leftovers(): string[] {
    return [
      ...processesOf(mark, state).map(pid => `process ${pid} ${cmdline(pid).join(' ')}`),
      ...groupFolders(groupName),
      ...[join(state, 'heald.sock')].filter(path => existsSync(path)),
    ]
  }

  /** Waits until nothing is left; names what is. */
  const nothingLeft = () =>
    wait(`nothing to be left of ${state}`, () => {
      const left = leftovers()
      last = left.join('\n')
      return left.length === 0
    }).catch((error: unknown) => assert.fail(`${error}\nstill there:\n${last}`))
  let last = ''

  t.after(async () => {
    for (const child of children) child.kill('SIGKILL')
    await endAll(mark, root, groupName)
    for (const each of undo.reverse()) each()
    rmSync(root, { recursive: true, force: true })
  })

  return {
    ...{ root, state, home, configPath, daemonLog, mark, groupName, env },
    ...{ start, run, heald, cli, json, must, configure, up, said, entries, of, wait, status, service, inState },
    /** Done at the end, when all processes are gone and before the folder is removed. */
    onEnd: (each: () => void) => void undo.push(each),
    ...{ processes, onlyProcess, judge, verified, leftovers, nothingLeft },
    incidents: () => json<Incident[]>('incidents'),
  }
}
