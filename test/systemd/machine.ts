import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { has } from '../adapters/host/nix-stand.ts'
import { until } from '../until.ts'
import { type Ran, runInside } from './run-inside.ts'

export const ROOT = join(import.meta.dirname, '../..')

/** The project inside, where no unit's confinement hides it, and its Node. */
export const INSTALLED = '/opt/heald'
export const INSTALLED_NODE = process.execPath.replace(ROOT, INSTALLED)

/** A real systemd, process 1 of a container over a throw-away overlay of this host. */
export interface Machine {
  /** Its systemd, as this host numbers it; another one after a reboot. */
  leader(): number
  /** Address of its system bus, from outside. */
  bus(): string
  /** Its root folder, from outside. */
  root(): string
  /** A folder that is the same inside and outside. */
  readonly shared: string
  /** Runs a command inside, as root, outside of any unit. */
  run(...argv: string[]): Promise<Ran>
  /** The same, and fails unless its exit code is 0; answers with what it printed. */
  must(...argv: string[]): Promise<string>
  /** Writes unit files (name → text) and has systemd read them. */
  units(files: Readonly<Record<string, string>>): Promise<void>
  /** Properties of a unit, as systemd says them. */
  show(unit: string, ...names: string[]): Promise<Record<string, string>>
  reboot(): Promise<void>
  /** Ends it at once, as a power cut would; safe to call twice. */
  end(): Promise<void>
}

const PREFIX = 'heald-machine-'
const BOOT_MS = 30_000

/** Why there can be none here; null when there can. */
export function machineIsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const tool of ['systemd-nspawn', 'dbus-daemon', 'nsenter', 'unshare', 'setpriv']) {
    if (!has(tool)) return `needs ${tool}`
  }
  return groupsFolder() === null ? 'needs control groups (v2) that may be made' : null
}

/** Starts one; it is ended after the test. */
export async function startMachine(t: { after(end: () => Promise<void>): void }): Promise<Machine> {
  const base = groupsFolder() ?? ''
  sweepMachines()
  const shared = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  const name = basename(shared).toLowerCase()
  const group = join(base, name)
  const folder = `${shared}.root`
  mkdirSync(group)
  mkdirSync(folder)
  const script = join(ROOT, 'test/fixtures/boots-systemd.sh')
  const argv = [script, group, folder, name, ROOT, shared]
  const child = spawn('sh', argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000)
    })
  }
  const ended = new Promise<void>(resolve => void child.once('exit', () => resolve()))

  async function end(): Promise<void> {
    child.kill('SIGKILL')
    await ended
    await until(`the groups of ${name} to be empty`, () => removeGroups(group))
    rmSync(folder, { recursive: true, force: true })
    rmSync(shared, { recursive: true, force: true })
  }
  t.after(end)

  let leader = 0
  async function booted(before: number): Promise<void> {
    await until(
      'systemd to be up',
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the machine ended:\n${said}`)
        leader = leaderOf(child.pid ?? 0)
        if (leader === 0 || leader === before) return false
        if (!existsSync(`/proc/${leader}/root/run/dbus/system_bus_socket`)) return false
        const { stdout } = await machine.run('systemctl', 'is-system-running')
        return ['running', 'degraded'].includes(stdout.trim())
      },
      BOOT_MS,
    )
  }

  const machine: Machine = {
    leader: () => leader,
    bus: () => `unix:path=/proc/${leader}/root/run/dbus/system_bus_socket`,
    root: () => `/proc/${leader}/root`,
    shared,
    run: (...argv) => runInside(leader, argv),
    async must(...argv) {
      const { code, stdout, stderr } = await machine.run(...argv)
      if (code !== 0) throw new Error(`${argv.join(' ')}: exit code ${code}\n${stdout}${stderr}`)
      return stdout
    },
    async units(files) {
      for (const [unit, text] of Object.entries(files)) {
        writeFileSync(join(machine.root(), 'etc/systemd/system', unit), text)
      }
      await machine.must('systemctl', 'daemon-reload')
    },
    async show(unit, ...names) {
      const out = await machine.must('systemctl', 'show', unit, ...names.map(name => `--property=${name}`))
      return Object.fromEntries(out.split('\n').flatMap(line => (line === '' ? [] : [cut(line)])))
    },
    async reboot() {
      const before = leader
      // They wait for the next heald. What runs at the end is stopped for a moment, and so stops nsenter, which reaps it no more.
      await machine.run('pkill', '-f', 'heald.js (deploy|rollback)')
      await machine.run('systemctl', 'reboot')
      await booted(before)
    },
    end,
  }
  await booted(0)
  return machine
}

function cut(line: string): [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

/** Where groups may be made: below our own. */
function groupsFolder(): string | null {
  const mount = /^\S+ (\S+) cgroup2 rw/m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1]
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
  return mount === undefined || own === undefined ? null : join(mount, own)
}

/** Removes what test runs that were killed left: the processes and mounts went with them, the folders did not. */
export function sweepMachines(): void {
  sweep(groupsFolder() ?? '', group => removeGroups(group))
  sweep(tmpdir(), folder => rmSync(folder, { recursive: true, force: true }))
}

function sweep(base: string, remove: (path: string) => void): void {
  for (const name of readdirSync(base)) {
    const owner = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : 0
    if (owner > 0 && !existsSync(`/proc/${owner}`)) remove(join(base, name))
  }
}

/** Removes an empty group with all below it; false while something still lives there. */
function removeGroups(group: string): boolean {
  if (!existsSync(group)) return true
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) {
      if (entry.isDirectory() && !removeGroups(join(group, entry.name))) return false
    }
    rmdirSync(group)
    return true
  } catch {
    return false
  }
}

/** Process 1 of the container: the child of systemd-nspawn, which a shell below `unshare` runs. 0: not there yet. */
function leaderOf(unshare: number): number {
  const [nspawn = 0] = childrenOf(unshare).flatMap(childrenOf)
  if (nspawn === 0 || !cmdline(nspawn).startsWith('systemd-nspawn')) return 0
  return childrenOf(nspawn).find(pid => /systemd\0/.test(cmdline(pid))) ?? 0
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
}

const cmdline = (pid: number): string => read(`/proc/${pid}/cmdline`)

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
