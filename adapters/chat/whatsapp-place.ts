import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { WhatsAppSpec } from '../../core/config/channel-spec.ts'
import type { Fault } from '../../core/fault.ts'
import { browserIn } from './whatsapp-browser.ts'
import { isPaired } from './whatsapp-folder.ts'

// Where the child runs, with the browser below it: started here, or by systemd as a unit and a user of its own, for
// whoever connects to a socket. Both ways lead to a stream to it, and it ends when the stream does.

export interface SessionPlace {
  /** Whether it is known without a child that no device is linked. */
  isUnpaired(): boolean
  start(): Child
}

export interface Child {
  readonly stream: Duplex
  /** Why it has ended, once it has; never rejects. */
  readonly ended: Promise<string>
  /** Known once it has ended: it never was, for nobody listens where it is asked for. */
  isUnreached(): boolean
  /** For one that does not end by itself. */
  cut(): void
  /** Ends what it has left behind; to be called when it has ended. */
  sweep(): Promise<void>
}

/** For the child alone; Chromium beside it takes about 385 MB more. Above, the child ends and is started again. */
const CHILD_HEAP_MB = 256
const GONE_MS = 2000
/** The child's end of the stream, as systemd numbers the first one that it hands over. */
const CHILD_FD = 3

/** Throws what a person can do when something is not installed. */
export function placeOf({ browser, browserArgs }: WhatsAppSpec, folder: string, socket: string | null): SessionPlace {
  if (socket !== null) return { isUnpaired: () => false, start: () => connectChild(socket) }
  const words = [folder, findBrowser(browser), ...browserArgs]
  return { isUnpaired: () => !isPaired(folder), start: () => spawnChild(folder, words) }
}

function spawnChild(folder: string, words: readonly string[]): Child {
  const program = import.meta.url.endsWith('.ts') ? 'whatsapp-child.ts' : 'whatsapp-child.js'
  const argv = [`--max-old-space-size=${CHILD_HEAP_MB}`, join(import.meta.dirname, program), ...words]
  const child = spawn(process.execPath, argv, {
    // The tokens of other channels are no business of a browser's.
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', TZ: process.env.TZ, HOME: folder },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const stream = child.stdio[CHILD_FD] as Socket
  const ended = new Promise<string>(resolve => {
    child.on('error', () => child.pid === undefined && resolve('its process could not be started'))
    child.once('exit', (code, signal) => resolve(`its process ended with ${signal ?? `code ${code}`}`))
  })
  return {
    stream,
    ended: ended.finally(() => stream.destroy()),
    isUnreached: () => false,
    cut: () => kill(-(child.pid ?? 0)),
    async sweep() {
      // Also a browser that was only just being started.
      const untilMs = performance.now() + GONE_MS
      for (
        let left = await homedIn(folder);
        left.length > 0 && performance.now() < untilMs;
        left = await homedIn(folder)
      ) {
        for (const pid of left) kill(pid)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    },
  }
}

function connectChild(socket: string): Child {
  const stream = connect(socket)
  let code = ''
  stream.once('error', error => {
    if ('syscall' in error && error.syscall === 'connect') code = 'code' in error ? String(error.code) : error.name
  })
  const ended = new Promise<string>(resolve => {
    stream.once('close', () => {
      if (stream.bytesRead > 0) resolve('its unit has ended')
      else if (code === '') resolve('its unit has hung up: somebody else uses it, or it does not start')
      else resolve(`its socket can't be reached (${code})`)
    })
  })
  // systemd ends what is left of a unit, and lets nobody else in before.
  return { stream, ended, isUnreached: () => code !== '', cut: () => stream.destroy(), sweep: async () => {} }
}

/** The browser to start; throws what a person can do when something is not installed. */
function findBrowser(wanted: string | null): string {
  try {
    import.meta.resolve('whatsapp-web.js')
  } catch (cause) {
    throw faultOf('whatsapp.missing', 'whatsapp-web.js is not installed', 'Run npm ci --include=optional.', cause)
  }
  const browser = browserIn(wanted)
  if (browser !== null) return browser
  const words = wanted === null ? 'no Chromium was found on the PATH' : `there is no browser at ${wanted}`
  throw faultOf('whatsapp.browser', words, 'Install the package chromium, or name a browser in the configuration.')
}

/** An error in the shape of a Fault: adapters may not load the class itself. */
export function faultOf(code: `whatsapp.${string}`, message: string, hint: string, cause?: unknown): Error & Fault {
  const error = new Error(message, cause === undefined ? undefined : { cause })
  return Object.assign(error, { name: 'Fault', code, hint, retry: 'no' as const })
}

function kill(pid: number): void {
  if (pid === 0) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended by itself; or its number is somebody else's by now.
  }
}

/** Processes that were started with the folder as their home, as only a child and its browser are. */
async function homedIn(folder: string): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [])
  const pids = names.filter(name => /^\d+$/.test(name)).map(Number)
  const isHomed = async (pid: number) => {
    // Empty for one that has ended and is only kept in the list; somebody else's can't be read.
    const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    return environ.split('\0').includes(`HOME=${folder}`)
  }
  const found = await Promise.all(pids.map(isHomed))
  return pids.filter((_, at) => found[at])
}
