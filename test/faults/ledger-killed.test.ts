import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { has } from '../core/ledger/stand.ts'
import { folder, judge, runWriter } from './ledger-stand.ts'

const KILLS = Number(process.env.HEALD_SOAK_LEDGER_KILLS ?? 6)

test('killed at random moments, the writer loses nothing that it acknowledged', async t => {
  if (!has('python3')) return t.skip('needs python3')
  const dir = join(folder(t), 'ledger')
  let acked = ''
  let kills = 0
  while (kills < KILLS) {
    let kill = (): void => {}
    let armed = false
    const run = await runWriter(dir, {
      count: 100_000,
      callers: 1 + (kills % 8),
      kill: now => {
        kill = now
      },
      onLine: () => {
        if (armed) return
        armed = true
        setTimeout(kill, Math.random() * 120)
      },
    })
    assert.equal(run.signal, 'SIGKILL', run.trouble)
    kills++
    acked += run.acked
    assert.equal(await judge(dir, acked, '--live'), '')
  }
  assert.notEqual(acked, '')
  const last = await runWriter(dir, { count: 1 })
  assert.deepEqual([last.code, last.said.at(-1)], [0, 'ok'], last.trouble)
  assert.equal(await judge(dir, acked + last.acked), '')
})
