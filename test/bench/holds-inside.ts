import { ChildProcess } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { type Hold, holds, ranMs } from './holds.ts'

/*
 * Loaded by `--import` into a heald that is to be looked at from inside. At each SIGUSR2 what was seen since the last one goes
 * to the file that HEALD_BENCH_HOLDS names, as a line (`Inside`). Other programs that heald starts, and questions to it,
 * have the same variables: there it does nothing.
 *
 * To start a process, which a restart can't do without, holds the loop until the kernel lets the new one run: that is told
 * apart. What starts the process of the search index is not healing, and stays in.
 */

export interface Inside {
  /** Of all but the starts of processes. */
  readonly hold: Hold
  /** The longest start of a process, ms. */
  readonly startMs: number
}

const { HEALD_BENCH_HOLDS: file } = process.env
if (file !== undefined && isMainThread && process.argv[2] === 'up') lookInside(file)

function lookInside(file: string): void {
  let allMs = 0
  let longestMs = 0
  const children = ChildProcess.prototype as unknown as {
    spawn(options: { readonly args?: readonly string[] }): unknown
  }
  const { spawn } = children
  children.spawn = function (options) {
    const fromMs = ranMs()
    const result = spawn.call(this, options)
    if (options.args?.some(word => word.includes('reader-worker'))) return result
    const tookMs = ranMs() - fromMs
    allMs += tookMs
    longestMs = Math.max(longestMs, tookMs)
    return result
  }
  const watched = holds(() => allMs)
  process.on('SIGUSR2', () => {
    const inside: Inside = { hold: watched.longest(), startMs: longestMs }
    longestMs = 0
    appendFileSync(file, `${JSON.stringify(inside)}\n`)
  })
}
