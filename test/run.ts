import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { finished } from 'node:stream/promises'
import { run } from 'node:test'
import { parseArgs } from 'node:util'
import { messageOf } from '../core/fault.ts'
import { createReporter, type Page, placeOf, type Tally, thrownIn } from './reporter.ts'
import { createRoom } from './room.ts'
import { FULL_COUNTS } from './soak.ts'

// Life of a test run
// 1. The jobs: lint, type check, and every test/**/*.test.ts; with patterns, only those whose name contains one.
// 2. Some at a time, as many as the processors have time for, each test file in a process of its own, with a bound for each
//    test, each file and the whole run.
// 3. Each job's result is printed when it ends.
// 4. A few files that failed run again, alone: what failed only beside another is named as unsteady. Many are not rerun.
// 5. The tally is the last line, and the exit code is 1 if anything failed, at the last try.
//
// npm test                     everything
// npm test -- ledger lint      the files with "ledger" in their path, and the lint
// npm run soak                 everything, with the counts of test/soak.ts
// node test/run.ts --dir D     the tests below another folder, without lint and types
// node test/run.ts --file-seconds N   another bound for one file

const ROOT = resolve(import.meta.dirname, '..')
/** Most tests wait more than they work, so there are more slots than cores; a machine with many has still one disk. */
const MAX_SLOTS = 5
/** So many take their next job at once, the others only while a part of the processors is idle. */
const SURE_SLOTS = 2
/** So many failed files are run again; more are no accident. */
const MAX_AGAIN = 6
const MINUTE = 60_000

const { values, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: { soak: { type: 'boolean', default: false }, dir: { type: 'string' }, 'file-seconds': { type: 'string' } },
})
const bounds = values.soak
  ? { testMs: 60 * MINUTE, fileMs: 90 * MINUTE, runMs: 300 * MINUTE }
  : { testMs: 5 * MINUTE, fileMs: 20 * MINUTE, runMs: 85 * MINUTE }
if (values['file-seconds'] !== undefined) bounds.fileMs = Number(values['file-seconds']) * 1000
if (values.soak) process.env.HEALD_SOAK ??= 'full'
if (values.soak) for (const [name, count] of Object.entries(FULL_COUNTS)) process.env[name] ??= String(count)

process.chdir(ROOT)
// Tests start heald and the bot some thousand times: what Node makes of their files is made once. That halves the work.
const compiled = mkdtempSync(join(tmpdir(), 'heald-compiled-'))
process.env.NODE_COMPILE_CACHE ??= compiled
const reporter = createReporter({
  ci: !['', '0', 'false', undefined].includes(process.env.CI),
  colour: process.stdout.isTTY && process.env.NO_COLOR === undefined,
  out: text => void process.stdout.write(text),
})
const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(`stopped by ${signal}`))
setTimeout(() => stop(`the whole run took over ${bounds.runMs / MINUTE} minutes`), bounds.runMs).unref()

const dir = resolve(values.dir ?? 'test')
type Job = [name: string, perform: (page: Page, signal: AbortSignal) => Promise<void>]
const jobs = new Map<Job[0], Job[1]>()
if (values.dir === undefined) {
  jobs.set('lint', (page, signal) =>
    checkWith(['node_modules/.bin/biome', 'check', '--error-on-warnings', '.'], page, signal),
  )
  jobs.set('types', (page, signal) => checkWith(['node_modules/.bin/tsc', '--noEmit', '-p', '.'], page, signal))
}
for (const file of testFilesIn(dir)) jobs.set(relative(ROOT, file), (page, signal) => runFile(file, page, signal))

const queue = [...jobs].filter(([name]) => patterns.length === 0 || patterns.some(pattern => name.includes(pattern)))
if (queue.length === 0) {
  const page = reporter.begin('test/run.ts')
  page.fail('', `no test has ${patterns.map(pattern => `"${pattern}"`).join(' or ') || 'a name'} in its path`)
  page.end(0)
}
const slots = Math.min(MAX_SLOTS, 2 * availableParallelism())
const failed: Job[] = []
const room = createRoom()
await Promise.all(Array.from({ length: slots }, (_, slot) => work(slot)))
if (!stopped.signal.aborted && failed.length <= MAX_AGAIN) {
  for (const job of failed.filter(([name]) => name.endsWith('.test.ts'))) await perform(job)
}
endLeftovers()
rmSync(compiled, { recursive: true, force: true })
process.exitCode = reporter.finish().failed > 0 ? 1 : 0

function stop(why: string): void {
  // An Error: the test runner writes on what it is given.
  stopped.abort(new Error(why))
}

/** One slot: takes jobs until there is none. From both ends, because files of a folder want the same at the same time. */
async function work(slot: number): Promise<void> {
  const isLeft = () => queue.length > 0
  while (isLeft()) {
    if (slot >= SURE_SLOTS) await room.admit(() => isLeft() && !stopped.signal.aborted)
    const next = slot % 2 === 0 ? queue.shift() : queue.pop()
    if (next !== undefined && (await perform(next)).failed > 0) failed.push(next)
  }
}

/** Performs one job, with its page from its begin to its end. */
async function perform([name, job]: Job): Promise<Tally> {
  const page = reporter.begin(name)
  const startedMs = performance.now()
  if (stopped.signal.aborted) page.fail('', `not run: ${messageOf(stopped.signal.reason)}`)
  else await job(page, AbortSignal.any([stopped.signal, AbortSignal.timeout(bounds.fileMs)]))
  return page.end(performance.now() - startedMs)
}

/** Runs one test file and notes its tests on the page. */
async function runFile(file: string, page: Page, signal: AbortSignal): Promise<void> {
  let seen = 0
  // The runner reports the file itself only when something happened outside its tests.
  const isFile = (name: string) => name === file
  const stream = run({ files: [file], concurrency: 1, timeout: bounds.testMs, signal })
  stream.on('test:pass', ({ name, details, skip, todo }) => {
    if (isFile(name)) return
    seen++
    if (skip !== undefined) page.skip(name, typeof skip === 'string' ? skip : 'no reason given')
    else if (todo !== undefined) page.skip(name, `still to do${typeof todo === 'string' ? `: ${todo}` : ''}`)
    else if (details.type !== 'suite') page.pass(name)
  })
  stream.on('test:fail', data => {
    const { failureType } = data.details.error as { failureType?: unknown }
    if (failureType === 'subtestsFailed') return
    seen++
    if (!isFile(data.name)) page.fail(data.name, thrownIn(data.details), placeOf(data))
    else if (signal.aborted) page.fail('', endedEarly(signal))
    else page.fail('', `the file failed outside its tests (${endOf(data.details.error)})`)
  })
  stream.on('test:diagnostic', ({ file: from, message }) => from !== undefined && page.note(message))
  stream.on('test:stdout', ({ message }) => page.wrote(message))
  stream.on('test:stderr', ({ message }) => page.wrote(message))
  stream.resume()
  await finished(stream)
  if (seen === 0) page.fail('', 'the file has no tests')
}

/** Runs a checker of the code; it counts as one test. */
async function checkWith(argv: string[], page: Page, signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' })
  child.stdout.setEncoding('utf8').on('data', page.wrote)
  child.stderr.setEncoding('utf8').on('data', page.wrote)
  const { promise, resolve: close } = Promise.withResolvers<string | null>()
  child.on('error', error => close(signal.aborted ? endedEarly(signal) : error.message))
  child.on('close', (code, by) => close(code === 0 ? null : `it ended with ${by ?? `exit code ${code}`}`))
  const failure = await promise
  if (failure === null) page.pass('')
  else page.fail('', failure)
}

function endedEarly(signal: AbortSignal): string {
  if (stopped.signal.aborted) return `not finished: ${messageOf(stopped.signal.reason)}`
  return signal.aborted
    ? `did not end within ${bounds.fileMs / 1000} s: a test hangs, or something it opened (timer, socket, child) is still open`
    : ''
}

function endOf(error: object): string {
  if ('signal' in error && error.signal) return `signal ${error.signal}`
  return 'exitCode' in error && error.exitCode ? `exit code ${error.exitCode}` : 'see below'
}

/** Every *.test.ts below a folder, sorted; programs and data in fixtures/ are no tests. */
function testFilesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => !relative(folder, path).split('/').includes('fixtures'))
    .sort()
}

/** A test process that took no notice of SIGTERM is still our child, and would keep this machine busy. */
function endLeftovers(): void {
  try {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ')
    for (const pid of children.map(Number)) if (pid > 0) process.kill(pid, 'SIGKILL')
  } catch (error) {
    // No such file: this kernel does not list children. No such process: it has just ended.
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error
  }
}
