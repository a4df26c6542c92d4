import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary folder that everything of one measure lives in, and what has to be ended before it is removed. */
export interface Site {
  readonly root: string
  /** The victim program: notes its first instruction, then waits. */
  readonly victim: string
  /** The user that services run as, or null where this machine can't do that, with the reason. */
  readonly user: { readonly name: string } | { readonly missing: string }
  /** Tells how far it is, on standard error. */
  progress(text: string): void
  /** A fresh folder inside, which every user may enter. */
  folder(name: string): string
  /** Ends something; called in reverse order, each even when another failed. */
  defer(end: () => void | Promise<void>): void
  clean(): Promise<void>
}

const HERE = import.meta.dirname
const NOBODY = 'nobody'

export function makeSite(name: string): Site {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'heald-bench-')))
  chmodSync(root, 0o755)
  const ends: (() => void | Promise<void>)[] = []
  const victim = join(root, 'victim')
  try {
    compile(join(HERE, '../fixtures/victim.c'), victim)
  } catch (error) {
    rmSync(root, { recursive: true, force: true })
    throw error
  }
  return {
    root,
    victim,
    user: findUser(victim),
    progress: text => void process.stderr.write(`bench: ${name}: ${text}\n`),
    folder(name) {
      const folder = join(root, name)
      mkdirSync(folder, { mode: 0o755 })
      return folder
    },
    defer: end => void ends.unshift(end),
    async clean() {
      const failures: unknown[] = []
      for (const end of ends.splice(0)) {
        try {
          await end()
        } catch (error) {
          failures.push(error)
        }
      }
      // Processes started as somebody else may still be closing their files here.
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
      if (failures.length > 0) throw new AggregateError(failures, `not everything of "${name}" could be ended`)
    },
  }
}

function compile(source: string, target: string): void {
  const { status, stderr, error } = spawnSync('gcc', ['-O2', '-static', '-o', target, source], { encoding: 'utf8' })
  if (status === 0) return
  throw new Error(
    `the victim program could not be compiled (needs gcc and the C library's headers): ${error?.message ?? stderr}`,
  )
}

function findUser(victim: string): Site['user'] {
  if (process.getuid?.() !== 0) return { missing: 'not root, so services run as the same user' }
  const { status } = spawnSync('setpriv', ['--reuid', NOBODY, '--clear-groups', '--', 'test', '-x', victim])
  if (status === 0) return { name: NOBODY }
  return { missing: `${NOBODY} can't run programs in ${tmpdir()}, so services run as root` }
}

/** A child that is ended with the site; resolves to its exit. */
export function startIn(site: Site, argv: readonly string[], log: number, env: NodeJS.ProcessEnv = process.env) {
  const [file = '', ...args] = argv
  const child = spawn(file, args, { cwd: site.root, env, stdio: ['ignore', log, log] })
  const ended = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const pid = child.pid
  if (pid === undefined) throw new Error(`${file} could not be started`)
  return { child, pid, ended, isRunning: () => child.exitCode === null && child.signalCode === null }
}
