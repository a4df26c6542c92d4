import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openLedger } from '../../../core/ledger/open.ts'
import { NotPlain, readPlain } from '../../../core/ledger/plain-file.ts'
import { copyOf, exit, folder, optionsFor, ROOT } from './stand.ts'

/** What a verification names as bad, and what a proof says, while something that is no file stands in a file's place. */
const PLACES: readonly { readonly name: string; readonly verify: RegExp; readonly prove: RegExp }[] = [
  { name: 'head', verify: /^good$/, prove: /^good$/ },
  { name: 'lock.pid', verify: /^good$/, prove: /^good$/ },
  { name: 'tree/0.bin', verify: /^good$/, prove: /^good$/ },
  { name: 'state.json', verify: /^good$/, prove: /^good$/ },
  { name: 'pruning', verify: /^good$/, prove: /^good$/ },
  { name: 'checkpoint', verify: /^checkpoint$/, prove: /^the newest checkpoint can't be believed: / },
  { name: 'cp/000000000004.cp', verify: /^cp\/000000000004\.cp$/, prove: /^good$/ },
]

/** The same while a file stands in the place of a folder. */
const FOLDERS: typeof PLACES = [
  { name: 'seg', verify: /^000000000000$/, prove: /./ },
  { name: 'cp', verify: /^good$/, prove: /^good$/ },
  { name: 'tree', verify: /^good$/, prove: /^good$/ },
  { name: 'side', verify: /^good$/, prove: /^good$/ },
  { name: 'keys', verify: /^good$/, prove: /^good$/ },
]

async function whole(t: TestContext): Promise<string> {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  for (let n = 0; n < 8; n++) await ledger.append(exit(n))
  await ledger.settled()
  await ledger.checkpoint()
  await ledger.close(5000)
  return dir
}

/** What each way to read it says; '' for one that has ended without a word. */
function readersOf(dir: string, where: string): (way: string) => string {
  const { stdout, signal } = spawnSync(process.execPath, [join(ROOT, 'test/fixtures/reads-ledger.ts'), dir], {
    encoding: 'utf8',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  assert.equal(signal, null, `${where} (waits): ${stdout}`)
  const said = new Map(stdout.split('\n').map(line => line.split(/: (.*)/s, 2) as [string, string]))
  return way => said.get(way) ?? ''
}

test('a pipe or a folder in the place of a file keeps no reader waiting, and ends none without a verdict', async t => {
  const ledger = await whole(t)
  for (const { name, verify, prove } of PLACES)
    for (const what of ['pipe', 'folder'] as const) {
      const dir = copyOf(t, ledger)
      const path = join(dir, name)
      rmSync(path, { force: true })
      mkdirSync(dirname(path), { recursive: true })
      if (what === 'pipe') execFileSync('mkfifo', [path])
      else mkdirSync(path)
      const where = `a ${what} as ${name}`
      const says = readersOf(dir, where)
      assert.match(says('verify'), verify, where)
      assert.match(says('prove'), prove, where)
      assert.equal(says('open'), 'good', where)
    }
})

test('a folder that somebody has put in the place of a marker of a prune is not lost with what is in it', async t => {
  const dir = await whole(t)
  mkdirSync(join(dir, 'pruning'))
  writeFileSync(join(dir, 'pruning/notes'), 'mine')
  await (await openLedger(optionsFor(dir))).close(5000)
  const [place = '', ...others] = readdirSync(dir).filter(name => name.startsWith('pruning'))
  assert.match(place, /^pruning-\w{6}$/, 'a prune needs the place')
  assert.deepEqual([readFileSync(join(dir, place, 'notes'), 'utf8'), others], ['mine', []])
})

test('a link to itself, a socket, a folder and what has no end are no files', async t => {
  const dir = folder(t)
  const at = (name: string): string => join(dir, name)
  symlinkSync(at('loop'), at('loop'))
  symlinkSync('/dev/zero', at('zeros'))
  mkdirSync(at('folder'))
  const server = createServer().listen(at('socket'))
  t.after(() => server.close())
  await once(server, 'listening')
  for (const name of ['loop', 'socket', 'folder', 'zeros'])
    assert.throws(() => readPlain(at(name), 100), NotPlain, name)
  assert.throws(() => readPlain(at('nothing'), 100), { code: 'ENOENT' })
})

test('nor does a file in the place of a folder', async t => {
  const ledger = await whole(t)
  for (const { name, verify, prove } of FOLDERS) {
    const dir = copyOf(t, ledger)
    rmSync(join(dir, name), { recursive: true, force: true })
    writeFileSync(join(dir, name), 'x')
    const where = `a file as ${name}`
    const says = readersOf(dir, where)
    assert.match(says('verify'), verify, where)
    assert.match(says('prove'), prove, where)
  }
})
