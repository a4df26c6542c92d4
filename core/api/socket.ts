import { chownSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { codeOf, Fault, messageOf } from '../fault.ts'

/** `sun_path` of unix(7) holds 108 bytes, the last one a zero. */
const MAX_PATH_BYTES = 107
const CONNECT_TIMEOUT_MS = 2000

/** A longer path would be cut silently, and heald would listen or ask somewhere else. */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes <= MAX_PATH_BYTES) return
  throw new Fault(
    'socket.path',
    `the path of the socket is ${bytes} bytes long, and Linux allows ${MAX_PATH_BYTES}: ${path}`,
    {
      hint: 'use a shorter state folder (--state DIR), or set RUNTIME_DIRECTORY to a short folder for the socket',
    },
  )
}

/**
 * Listens on `path`, for one user alone (0600): this one, or `owner`, by number, whom root gives the file. A group would let in
 * whoever else is in it. A socket file that nobody answers on was left by a daemon that died and is replaced; one that somebody
 * answers on is a Fault (`socket.busy`).
 */
export async function listenOn(server: Server, path: string, owner: number | null = null): Promise<void> {
  checkSocketPath(path)
  await removeStale(path)
  // A mode given afterwards would leave a moment for others, so the file has to be born with it. The umask belongs to the
  // whole process: nothing else may run between these lines, and `listen` binds before it returns.
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, () => {
        server.off('error', reject)
        resolve()
      })
      process.umask(before)
    })
    if (owner !== null) chownSync(path, owner, process.getegid?.() ?? 0)
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') throw busy(path)
    throw new Fault('socket.listen', `heald can't listen on ${path}: ${messageOf(error)}`, {
      hint: 'check that the folder exists and that you may write to it',
      cause: error,
    })
  } finally {
    process.umask(before)
  }
}

async function removeStale(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there === undefined) return
  if (!there.isSocket()) {
    throw new Fault('socket.listen', `${path} is in the way: it is not a socket`, {
      hint: 'move that file away, or choose another state folder with --state DIR',
    })
  }
  if (await answers(path)) throw busy(path)
  unlinkSync(path)
}

function busy(path: string): Fault {
  return new Fault('socket.busy', `another heald already answers on ${path}`, {
    hint: 'ask it with "heald status", end it with "heald down", or use another state folder with --state DIR',
  })
}

/** True unless the kernel says for certain that nobody listens. */
function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => settle(true))
    socket.once('connect', () => settle(true))
    socket.once('error', error => settle(codeOf(error) !== 'ECONNREFUSED' && codeOf(error) !== 'ENOENT'))
  })
}
