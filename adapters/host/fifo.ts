import { execFile } from 'node:child_process'
import { lstatSync, rmSync } from 'node:fs'

const DEADLINE_MS = 10_000

interface Batch {
  readonly paths: string[]
  readonly done: Promise<void>
}
let gathering: Batch | undefined

/** Makes the FIFOs that are missing. Requests of one turn share a single `mkfifo` (Node can't make one itself). */
export function ensureFifos(paths: readonly string[]): Promise<void> {
  gathering ??= startBatch()
  gathering.paths.push(...paths)
  return gathering.done
}

function startBatch(): Batch {
  const paths: string[] = []
  const done = new Promise<void>((resolve, reject) => {
    setImmediate(() => {
      gathering = undefined
      let missing: string[]
      try {
        missing = paths.filter(path => !isFifo(path))
        for (const path of missing) rmSync(path, { force: true, recursive: true })
      } catch (error) {
        reject(error)
        return
      }
      if (missing.length === 0) {
        resolve()
        return
      }
      execFile('mkfifo', ['-m', '600', '--', ...missing], { timeout: DEADLINE_MS }, error =>
        error === null ? resolve() : reject(error),
      )
    })
  })
  return { paths, done }
}

function isFifo(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false
}
