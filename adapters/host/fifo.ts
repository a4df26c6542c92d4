import { execFile } from 'node:child_process'
import { lstatSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'

const DEADLINE_MS = 10_000

interface Batch {
  readonly paths: string[]
  /** What `mkfifo` said, or why it could not be asked; empty when all went well. */
  readonly said: Promise<string>
}
let gathering: Batch | undefined

/**
 * Makes the FIFOs that are missing. Requests of one turn share a single `mkfifo` (Node can't make one itself), and one
 * that fails does not spoil the others. Resolves to null, or to why one of these could not be made.
 */
export async function ensureFifos(paths: readonly string[]): Promise<string | null> {
  gathering ??= startBatch()
  gathering.paths.push(...paths)
  const said = await gathering.said
  const missing = paths.find(path => !isFifo(path))
  return missing === undefined ? null : `no FIFO can be made in ${dirname(missing)}: ${said}`
}

function startBatch(): Batch {
  const paths: string[] = []
  const said = new Promise<string>(resolve => {
    setImmediate(() => {
      gathering = undefined
      const missing = paths.filter(path => !isFifo(path) && clear(path))
      if (missing.length === 0) return resolve('something else is in its place')
      execFile('mkfifo', ['-m', '600', '--', ...missing], { timeout: DEADLINE_MS }, (error, _, stderr) =>
        resolve(error === null ? '' : (stderr.trim().split('\n').at(-1) || error.message).slice(0, 300)),
      )
    })
  })
  return { paths, said }
}

/** Makes room; false where that is impossible. */
function clear(path: string): boolean {
  try {
    rmSync(path, { force: true, recursive: true })
    return true
  } catch {
    return false
  }
}

function isFifo(path: string): boolean {
  try {
    return lstatSync(path).isFIFO()
  } catch {
    return false
  }
}
