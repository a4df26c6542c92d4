import assert from 'node:assert/strict'
import { chownSync, existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeStand } from './stand.ts'

const TOKEN = 'xoxb-9911-not-a-real-token'

test("a service sees PATH, HOME, USER, LANG and its own variables, never the daemon's", async t => {
  const stand = await makeStand(t)
  const root = process.getuid?.() === 0
  const named = { run: ['sleep', '100000'], cwd: '/', env: { PORT: '8080', LANG: 'C' } }
  stand.configure({
    services: { plain: named, ...(root ? { lesser: { ...named, user: 'nobody' } } : {}) },
  })
  await stand.up({ env: { SLACK_TOKEN: TOKEN, NODE_OPTIONS: '--no-warnings', XDG_STATE_HOME: '/nowhere' } })
  for (const name of root ? ['plain', 'lesser'] : ['plain']) {
    const pid = await stand.onlyProcess(name)
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
    const names = variables.map(each => each.split('=', 1)[0] ?? '').sort()
    // A shell adds PWD (and its kin) on the way; none of them comes from the daemon.
    const own = names.filter(each => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(each))
    assert.deepEqual(own, ['HEALD_MARK', 'HOME', 'LANG', 'PATH', 'PORT', 'USER'])
    assert.ok(variables.includes('LANG=C'), 'its own value wins')
    assert.ok(variables.includes(`USER=${name === 'lesser' ? 'nobody' : (process.env.USER ?? 'root')}`) || !root)
  }
  if (root) {
    const pid = await stand.onlyProcess('lesser')
    const text = readFileSync(`/proc/${pid}/status`, 'latin1')
    const ids = (key: string) => new RegExp(`^${key}:\\s+(.*)$`, 'm').exec(text)?.[1]?.trim().split(/\s+/)
    const id = async (flag: string) => (await stand.run(['id', flag, 'nobody'])).stdout.trim()
    assert.deepEqual(ids('Uid'), Array(4).fill(await id('-u')))
    assert.deepEqual(ids('Gid'), Array(4).fill(await id('-g')))
    assert.deepEqual(ids('Groups'), (await id('-G')).split(' '))
    assert.deepEqual(ids('CapEff'), ['0000000000000000'])
  }
  // 0 to 2, and the FIFO that tells of its end. What this very test was born with and passed on is not heald's doing.
  const pid = await stand.onlyProcess('plain')
  const inherited = readdirSync('/proc/self/fd').map(fd => linkOf(`/proc/self/fd/${fd}`))
  const open = readdirSync(`/proc/${pid}/fd`).filter(
    fd => !inherited.includes(linkOf(`/proc/${pid}/fd/${fd}`)) || fd === '0',
  )
  assert.deepEqual(open.sort(), ['0', '1', '2', '3'])
  await stand.must('down')
  for (const path of files(stand.state)) {
    assert.ok(!textOf(path).includes(TOKEN), `${path} holds a token of the daemon's environment`)
  }
})

test('the state folder is for its owner alone', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: { plain: { run: ['sleep', '100000'] } } })
  await stand.up()
  await stand.onlyProcess('plain')
  assert.equal(statSync(join(stand.state, 'heald.sock')).mode & 0o777, 0o600)
  const open = files(stand.state).filter(path => (statSync(path).mode & 0o007) !== 0)
  assert.ok((statSync(stand.state).mode & 0o077) === 0 || open.length === 0, open.join('\n'))
})

/** '' for what the daemon has removed meanwhile: it still ends. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return ''
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return 'closed meanwhile'
  }
}

function files(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(item => item.isFile())
    .map(item => join(item.parentPath, item.name))
}

test('a user that has a number but no name runs services like any other', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const stand = await makeStand(t)
  stand.configure({ services: { nameless: { run: ['sh', '-c', 'echo "$USER at $HOME"; exec sleep 1000'] } } })
  for (const path of [stand.root, stand.home, stand.configPath]) chownSync(path, 54_321, 54_321)
  const as = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups']
  await stand.up({ wrap: as })
  await stand.inState('nameless', 'ready')
  assert.equal(await stand.must('logs', 'nameless'), `54321 at ${stand.home}\n`)
  await stand.must('down')
  await stand.nothingLeft()
})
