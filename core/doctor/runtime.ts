import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { findProgram } from '../config/programs.ts'
import { codeOf, messageOf } from '../fault.ts'
import { askRoot, howToStart } from '../start-hint.ts'
import type { Check } from './check.ts'

const CONNECT_DEADLINE_MS = 1000

/** Node 22.18 is the first to run TypeScript as it is without a flag. */
export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const check = { id: 'node', title: 'Node.js', why: `version ${version.replace(/^v/, '')}` }
  const advice = 'install Node 24 (a clone brings its own)'
  if (major < 22 || (major === 22 && minor < 18)) return { ...check, state: 'missing', advice }
  return major < 24
    ? { ...check, state: 'warn', advice: `${advice}, on which heald is tried most` }
    : { ...check, state: 'ok' }
}

export function checkRoot(uid: number): Check {
  const check = { id: 'root', title: 'rights' }
  if (uid === 0) return { ...check, state: 'ok', why: 'running as root: services can have users of their own' }
  return {
    ...check,
    state: 'warn',
    why: `running as user ${uid}: services run as you, the key "user" is refused, and units are only watched`,
    advice:
      'start heald as root if services need users of their own, or if units are to be healed (or allow that by polkit)',
  }
}

/** Whether a daemon answers on the socket. Says nothing to it. */
export function checkDaemon(socket: string): Promise<Check> {
  const check = { id: 'daemon', title: 'daemon' }
  const start = askRoot(socket) ?? `start it with: ${howToStart(socket)}`
  return new Promise(done => {
    const client = connect(socket)
    const end = (state: Check['state'], why: string, advice?: string) => {
      client.destroy()
      done({ ...check, state, why, ...(advice === undefined ? {} : { advice }) })
    }
    client.setTimeout(CONNECT_DEADLINE_MS)
    client.on('connect', () => end('ok', `answers on ${socket}`))
    client.on('timeout', () => end('warn', `does not answer on ${socket}`, 'look at its output, or start it anew'))
    client.on('error', error => {
      const code = codeOf(error)
      if (code === 'ENOENT') end('off', `not running (no ${socket})`, start)
      else if (code === 'ECONNREFUSED') end('off', `not running (it left ${socket} behind)`, start)
      else if (code === 'EACCES') end('warn', `you may not use ${socket}`, 'ask as the user who runs it, or as root')
      else end('warn', `can't be asked on ${socket}: ${messageOf(error)}`, 'give its state folder with --state DIR')
    })
  })
}

/** Programs that the host side starts, and what is lost without each. */
const PROGRAMS: readonly { name: string; state: 'missing' | 'off'; for: string; from: string }[] = [
  { name: 'sh', state: 'missing', for: 'starts every service', from: 'dash or bash' },
  { name: 'mkfifo', state: 'missing', for: 'makes the pipes that tell of a service’s end', from: 'coreutils' },
  { name: 'setpriv', state: 'off', for: 'gives a service its own user', from: 'util-linux' },
  { name: 'getent', state: 'off', for: 'looks up a service’s user', from: 'libc-bin' },
]

export async function checkPrograms(path: string): Promise<Check[]> {
  return Promise.all(
    PROGRAMS.map(async program => {
      const found = await findProgram(program.name, path, '/')
      const check = { id: program.name, title: program.name }
      if (found !== undefined) return { ...check, state: 'ok' as const, why: `${found} (${program.for})` }
      const why = `not found; it ${program.for}`
      return { ...check, state: program.state, why, advice: `install ${program.name} (package ${program.from})` }
    }),
  )
}

/** What leads a target back without heald is made of these; without them no deploy is begun. */
export const DEAD_MAN_TOOLS = [
  'sleep',
  'env',
  'flock',
  'ln',
  'mv',
  'readlink',
  'rm',
  'setsid',
  'sync',
  'timeout',
  'tr',
  'cat',
]

export async function checkDeadMan(path: string): Promise<Check> {
  const check = { id: 'dead-man', title: 'dead-man' }
  const found = await Promise.all(DEAD_MAN_TOOLS.map(name => findProgram(name, path, '/')))
  const missing = DEAD_MAN_TOOLS.filter((_, index) => found[index] === undefined)
  if (missing.length === 0)
    return { ...check, state: 'ok', why: 'its tools are there: a switch is led back without heald' }
  return {
    ...check,
    state: 'off',
    why: `not found: ${missing.join(', ')}; without them heald deploys nothing`,
    advice: 'install coreutils and util-linux, if heald is to deploy and roll back',
  }
}

export async function checkSystemd(): Promise<Check> {
  const check = { id: 'systemd', title: 'systemd' }
  try {
    const first = (await readFile('/proc/1/comm', 'utf8')).trim()
    if (first === 'systemd') return { ...check, state: 'ok', why: 'is process 1' }
    return { ...check, state: 'off', why: `process 1 is ${first}; units can't be watched here` }
  } catch (error) {
    return { ...check, state: 'off', why: `process 1 can't be seen: ${messageOf(error)}` }
  }
}

export async function checkNix(path: string): Promise<Check> {
  const found = await findProgram('nix-env', `${path}:/nix/var/nix/profiles/default/bin`, '/')
  const check = { id: 'nix', title: 'Nix' }
  return found === undefined
    ? { ...check, state: 'off', why: 'not found; heald works without it' }
    : { ...check, state: 'ok', why: found }
}
