import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseVkey } from '../../core/ledger/note.ts'
import { openLedger } from '../../core/ledger/open.ts'
import { verifyLedger } from '../../core/ledger/verify.ts'
import { entriesIn, folder, judged, optionsFor, ROOT } from '../core/ledger/stand.ts'

const KILLS = Number(process.env.HEALD_SOAK_KEY_KILLS ?? 8)

test('kill -9 while keys change and checkpoints are signed: nothing is lost, and nothing alarms', async t => {
  const dir = join(folder(t), 'ledger')
  let answered = 0
  let told = 0
  let first = ''
  for (let n = 0; n < KILLS; n++) {
    const child = spawn(process.execPath, [join(ROOT, 'test/fixtures/changes-keys.ts'), dir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const last = text.trim().split('\n').at(-1)
      answered = Math.max(answered, Number(last))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await once(child.stdout, 'data')
    await sleep(Math.random() * 60)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    assert.equal(said, '', `round ${n}`)
    const killed = await verifyLedger(dir)
    assert.ok(killed.ok || killed.torn, `round ${n}: ${JSON.stringify(killed.firstBad)}`)

    const ledger = await openLedger(optionsFor(dir, { onTrouble: what => assert.fail(what) }))
    await ledger.settled()
    const vkey = ledger.vkey() ?? assert.fail('no key')
    first = first === '' ? vkey : first
    await ledger.append({ kind: 'config.applied', data: { sha256: 'x' } })
    await ledger.checkpoint()
    await ledger.close(2000)
    const verdict = await verifyLedger(dir, { trust: { keys: [parseVkey(vkey) ?? assert.fail()], checkpoints: [] } })
    assert.deepEqual([verdict.firstBad, verdict.vkeys.at(-1)], [null, vkey], `round ${n}`)
    assert.ok(
      verdict.vkeys.length > answered,
      `round ${n}: ${answered} changes were answered, ${verdict.vkeys.length} keys`,
    )
    assert.equal(readdirSync(join(dir, 'keys')).length, 1, `round ${n}: ${readdirSync(join(dir, 'keys'))}`)
    const { code, said: word } = judged(dir)
    assert.equal(code, 0, word)
    told = verdict.vkeys.length
  }
  assert.deepEqual(
    entriesIn(dir).filter(({ kind }) => kind === 'integrity.alert'),
    [],
  )
  assert.equal(
    (await verifyLedger(dir, { trust: { keys: [parseVkey(first) ?? assert.fail()], checkpoints: [] } })).ok,
    true,
  )
  t.diagnostic(`${KILLS} kills, ${told} keys one after another`)
  assert.ok(answered > 0)
})
