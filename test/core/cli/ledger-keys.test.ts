import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { run as ledger } from '../../../core/cli/ledger.ts'
import { run as keygen } from '../../../core/cli/ledger-keys.ts'
import { codeOf } from '../../../core/fault.ts'
import { written } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

test('a new key is printed with the receipt of its entry, and both are what --key takes', async t => {
  const state = dirname(await written(t, 3))
  const made = paperContext({ state })
  assert.equal(await keygen(made.context, []), 0)
  const [, vkey = '', receipt = ''] = /\n\n(\S+\+\S+)\n(#\d+·[a-z2-7]{26})\n\n/.exec(made.out()) ?? []
  assert.match(made.out(), /keep both/)
  const verify = async (...key: string[]) => {
    const { context, out } = paperContext({ state })
    return { code: await ledger(context, ['verify'], key.length === 0 ? {} : { key }), said: out() }
  }
  for (const text of [`${vkey} ${receipt}`, `${vkey}\n${receipt}\n`, ` ${vkey}\t ${receipt.slice(1)}`]) {
    const { code, said } = await verify(text)
    assert.equal(code, 0)
    assert.match(said.replaceAll(/\s+/g, ' '), /told of by entry \S+, as its receipt says\./)
  }
  const other = receipt.replace(/.$/, last => (last === 'a' ? 'b' : 'a'))
  const { code, said } = await verify(`${vkey} ${other}`)
  assert.equal(code, 1)
  assert.match(said.replaceAll(/\s+/g, ' '), /is that of another entry here/)
  // Without a key it is printed to be kept, with the same receipt.
  assert.ok((await verify()).said.replaceAll(/\s+/g, ' ').includes(`by its own word: ${vkey} ${receipt}`))
  for (const wrong of [`${vkey} x`, `${vkey} ${vkey}`, `${receipt} ${vkey}`, receipt])
    await assert.rejects(verify(wrong), (error: Error) => codeOf(error) === 'usage.key')
  const check = async (key: string, of = state) => {
    const { context, out } = paperContext({ state: of })
    return { code: await ledger(context, ['check', receipt], { key: [key] }), said: out().replaceAll(/\s+/g, ' ') }
  }
  assert.equal((await check(`${vkey} ${receipt}`)).code, 0)
  const misplaced = await check(`${vkey} ${other}`)
  assert.equal(misplaced.code, 1, 'although the receipt itself fits')
  assert.match(misplaced.said, /^✗ DOES NOT FIT key: the key \S+ is that of another entry here .* ✓ fits receipt:/)
  await assert.rejects(check(`${vkey} ${receipt}`, `${state}/nothing`), { code: 'usage.key' })
})
