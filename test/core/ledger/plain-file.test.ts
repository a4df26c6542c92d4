import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { openLedger } from '../../../core/ledger/open.ts'
import { copyOf, exit, folder, optionsFor, ROOT } from './stand.ts'

/** What a verification names as bad, and what a proof says, while something that is no file stands in a file's place. */
const PLACES: readonly { readonly name: string; readonly verify: RegExp; readonly prove: RegExp }[] = [
  { name: 'head', verify: /^good$/, prove: /^good$/ },
  { name: 'lock.pid', verify: /^good$/, prove: /^good$/ },
  { name: 'tree/0.bin', verify: /^good$/, prove: /^good$/ },
  { name: 'state.json', verify: /^good$/, prove: /^good$/ },
  { name: 'checkpoint', verify: /^checkpoint$/, prove: /^the newest checkpoint can't be believed: / },
  { name: 'cp/000000000004.cp', verify: /^cp\/000000000004\.cp$/, prove: /^good$/ },
]

test('a pipe or a folder in the place of a file keeps no reader waiting, and ends none without a verdict', async t => {
  const whole = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(whole))
  for (let n = 0; n < 8; n++) await ledger.append(exit(n))
  await ledger.settled()
  await ledger.checkpoint()
  await ledger.close(5000)
  for (const { name, verify, prove } of PLACES)
    for (const what of ['pipe', 'folder'] as const) {
      const dir = copyOf(t, whole)
      const path = join(dir, name)
      rmSync(path, { force: true })
      mkdirSync(dirname(path), { recursive: true })
      if (what === 'pipe') execFileSync('mkfifo', [path])
      else mkdirSync(path)
      const { stdout, signal } = spawnSync(process.execPath, [join(ROOT, 'test/fixtures/reads-ledger.ts'), dir], {
        encoding: 'utf8',
        timeout: 20_000,
        killSignal: 'SIGKILL',
      })
      const said = new Map(stdout.split('\n').map(line => line.split(/: (.*)/s, 2) as [string, string]))
      const where = `a ${what} as ${name}: ${stdout}`
      assert.equal(signal, null, `${where} (waits)`)
      assert.match(said.get('verify') ?? '', verify, where)
      assert.match(said.get('prove') ?? '', prove, where)
      assert.equal(said.get('open'), 'good', where)
    }
})
