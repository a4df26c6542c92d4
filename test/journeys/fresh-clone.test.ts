import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

// A stranger's first minute: `git clone`, then `npm start`, with an old Node, an empty home and nothing else. Only what
// is committed counts. `npm test` on a fresh clone is shown by .ci/run, which starts there; here it would run itself.

const ROOT = resolve(import.meta.dirname, '../..')
const FOUR_MINUTES = 240_000

/** What a machine may need to reach the npm registry, and where it keeps what it fetched before. */
const NETWORK = /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(file|dir)|npm_config_(registry|userconfig))$/i

test('a fresh clone in an empty home shows the tour with one command', { timeout: FOUR_MINUTES + 60_000 }, async t => {
  if (!existsSync(join(ROOT, '.git'))) return t.skip('needs the git clone')
  const node = oldNode()
  if (node === null) return t.skip('needs a Node older than 22 beside the one in use')
  t.diagnostic(`with ${node.path} ${node.version}`)

  const dir = mkdtempSync(join(tmpdir(), 'heald-fresh-'))
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))
  const clone = join(dir, 'heald')
  const home = join(dir, 'home')
  mkdirSync(home)
  execFileSync('git', ['clone', '--quiet', '--no-local', ROOT, clone], { stdio: 'pipe' })

  const env: NodeJS.ProcessEnv = {
    PATH: [dirname(node.path), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
    HOME: home,
    LANG: 'C.UTF-8',
    // Not the state of a heald that may run on this machine.
    STATE_DIRECTORY: join(dir, 'state'),
    // Packages fetched before need not be fetched again; npm still checks each against its hash.
    npm_config_cache: process.env.npm_config_cache ?? join(homedir(), '.npm'),
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => NETWORK.test(name))),
  }
  const child = spawn('npm', ['start', '--', '--once'], {
    cwd: clone,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  // Too late: first as Ctrl-C would, so that the tour stops its services, then for good.
  const deadlines = [
    setTimeout(() => signalGroup(child.pid, 'SIGINT'), FOUR_MINUTES),
    setTimeout(() => signalGroup(child.pid, 'SIGKILL'), FOUR_MINUTES + 20_000),
  ]
  const closed = new Promise<string>(done => child.once('close', (code, signal) => done(signal ?? `exit code ${code}`)))
  const [end, out, err] = await Promise.all([closed, text(child.stdout), text(child.stderr)])
  for (const deadline of deadlines) clearTimeout(deadline)

  const shown = `${out}\n--- standard error ---\n${err}`
  assert.equal(end, 'exit code 0', shown)
  assert.match(err, /Installing npm packages/, 'it says what takes a while')
  for (const word of [
    /SIGKILL/,
    /hang|hung/i,
    /memory/i,
    /crash.?loop/i,
    /recovered|healed|back/i,
    /#\d+·[a-z2-7]{26}/i,
    /heald\.yaml/,
  ]) {
    assert.match(out, word, shown)
  }
  const changed = execFileSync('git', ['status', '--porcelain'], { cwd: clone, encoding: 'utf8' })
  assert.equal(changed, '', 'the clone stays clean')
})

/** The oldest kind of Node a stranger may have: one below 22 on the machine's own PATH; in CI any will do. */
function oldNode(): { path: string; version: string } | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/bin', '/usr/bin']
  const nodes = [...new Set(folders)]
    .filter(folder => folder !== '' && !folder.includes('node_modules'))
    .map(folder => join(folder, 'node'))
    .filter(isExecutable)
    // npm must stand beside it, since it is the one a stranger would type.
    .filter(path => isExecutable(join(dirname(path), 'npm')))
    .map(path => ({ path, version: spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.trim() }))
  const old = nodes.find(({ version }) => Number(/^v(\d+)/.exec(version)?.[1]) < 22)
  return old ?? (process.env.CI ? (nodes[0] ?? null) : null)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Signals npm and what it started; they are a process group of their own. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
