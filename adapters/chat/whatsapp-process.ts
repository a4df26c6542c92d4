import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { type Answer, type Order, type Report, reportIn } from './whatsapp-wire.ts'

export interface Pairing {
  readonly phoneNumber: string | null
}

export interface SessionOptions {
  readonly browser: string
  readonly browserArgs: readonly string[]
  readonly folder: string
  readonly pairing: Pairing | null
  /** What the child tells by itself. `browser` and `answer` are dealt with here. */
  onReport(report: Report): void
  /** The child has ended, once; all that was asked has been answered with null before. */
  onEnd(why: string): void
}

type Question<O extends Order = Order> = O extends { readonly id: number } ? Omit<O, 'id'> : never

/** One run of the child, from its start to its end. */
export interface SessionProcess {
  readonly pid: number | undefined
  /** Leader of the browser's process group; null while it does not run. */
  browserPid(): number | null
  /** Null: no answer within the time, or the child has ended. `onLate` gets an answer that came afterwards. */
  ask(question: Question, withinMs: number, onLate?: (answer: Answer) => void): Promise<Answer | null>
  /** Ends the child and its browser, by force after a few seconds; nothing of them is left when it resolves. */
  end(): Promise<void>
}

/** For the child alone; Chromium beside it takes about 385 MB more. Above, the child ends and is started again. */
const CHILD_HEAP_MB = 256
const MOST_ASKED = 100
const END_MS = 4000
const GONE_MS = 2000
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
/** Written when a device was paired; without it no browser is started at all. */
const MARK = 'paired'

export function startSession(options: SessionOptions): SessionProcess {
  const { folder, onReport, onEnd } = options
  const program = import.meta.url.endsWith('.ts') ? 'whatsapp-child.ts' : 'whatsapp-child.js'
  const child = fork(join(import.meta.dirname, program), [], {
    // The tokens of other channels are no business of a browser's.
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', TZ: process.env.TZ, HOME: folder },
    execArgv: [`--max-old-space-size=${CHILD_HEAP_MB}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'json',
    detached: true,
  })
  const asked = new Map<number, (answer: Answer | null) => void>()
  let browserPid: number | null = null
  let count = 0
  let ending: Promise<void> | null = null
  const gone = new Promise<void>(resolve => {
    const leave = (why: string) => {
      killGroup(browserPid)
      for (const answer of asked.values()) answer(null)
      asked.clear()
      resolve()
      onEnd(why)
    }
    child.on('error', () => child.pid === undefined && leave('its process could not be started'))
    child.once('exit', (code, signal) => leave(`its process ended with ${signal ?? `code ${code}`}`))
  })

  child.on('message', value => {
    const report = reportIn(value)
    if (report?.report === 'browser') browserPid = report.pid
    else if (report?.report === 'answer') asked.get(report.id)?.(report.answer)
    else if (report !== null) onReport(report)
  })
  const order = (order: Order) => {
    // A child that is just ending can't be told anything; its end is told by itself.
    if (child.connected) child.send(order, () => {})
  }
  const { browser, browserArgs, pairing } = options
  order({ order: 'open', browser, browserArgs, folder, pairing })

  async function end(): Promise<void> {
    order({ order: 'close' })
    const timer = setTimeout(() => {
      killGroup(child.pid ?? null)
      killGroup(browserPid)
    }, END_MS)
    await gone
    clearTimeout(timer)
    // Also a browser that was only just being started, and what it has left.
    const untilMs = performance.now() + GONE_MS
    for (
      let left = await homedIn(folder);
      left.length > 0 && performance.now() < untilMs;
      left = await homedIn(folder)
    ) {
      for (const pid of left) kill(pid)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  return {
    pid: child.pid,
    browserPid: () => browserPid,
    ask(question, withinMs, onLate) {
      if (asked.size >= MOST_ASKED || ending !== null) return Promise.resolve(null)
      count += 1
      const id = count
      return new Promise(resolve => {
        let isLate = false
        const timer = setTimeout(() => {
          isLate = true
          if (onLate === undefined) asked.delete(id)
          resolve(null)
        }, withinMs)
        asked.set(id, answer => {
          asked.delete(id)
          clearTimeout(timer)
          if (isLate && answer !== null) onLate?.(answer)
          resolve(answer)
        })
        order({ ...question, id })
      })
    },
    end() {
      ending ??= end()
      return ending
    },
  }
}

/** Path of the browser; null where there is none. */
export function browserIn(path: string | null): string | null {
  if (path !== null) return existsSync(path) ? path : null
  const folders = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  const places = BROWSERS.flatMap(name => folders.map(folder => join(folder, name)))
  return places.find(place => existsSync(place)) ?? null
}

/** Makes the folder ours alone: what is in it can send messages in somebody's name. */
export async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const lock = join(folder, 'session', 'SingletonLock')
  // `<host>-<pid>`. After a power cut, or under another host name, Chromium would not start for it.
  const pid = /-(\d+)$/.exec(await readlink(lock).catch(() => ''))?.[1]
  if (pid === undefined) return
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (!command.includes(folder)) await rm(lock, { force: true })
}

export function markOf(folder: string): string {
  return join(folder, MARK)
}

/** What is left of a device that is not linked any more. */
export async function forget(folder: string): Promise<void> {
  await rm(join(folder, 'session'), { recursive: true, force: true, maxRetries: 3 })
  // Last: without the mark, a pairing may begin to fill the folder anew.
  await rm(markOf(folder), { force: true })
}

function killGroup(pid: number | null): void {
  if (pid !== null && pid > 1) kill(-pid)
}

function kill(pid: number): void {
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
