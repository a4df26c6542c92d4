import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLinks } from '../../bot/links.ts'

const LONG = `ledger svc:api kind:exited since:2h "out of memory" ${'x'.repeat(30)}`

test('a button says its line, as a message of its own or in the place of the one that it is on', () => {
  const links = createLinks()
  assert.deepEqual(links.read(links.say('incident agent-41')), { line: 'incident agent-41', page: 1, isInPlace: false })
  assert.deepEqual(links.read(links.turn('ledger svc:api', 3)), { line: 'ledger svc:api', page: 3, isInPlace: true })
  assert.equal(links.read('bAnOfferOfCore'), null)
  assert.equal(links.read('w:0:status'), null)
})

test('an id is as short as Telegram wants it; a longer line is kept, until the bot ends or there are too many', () => {
  const links = createLinks()
  const id = links.say(LONG)
  assert.ok(Buffer.byteLength(id) <= 64)
  assert.deepEqual(links.read(id), { line: LONG, page: 1, isInPlace: false })
  assert.match(links.turn('ledger "größer"'), /^pp:/, 'what is no plain text is kept too: its bytes count')
  assert.equal(createLinks().read(id)?.line, '', 'of another life: nobody knows it any more')
  for (let n = 0; n < 1000; n += 1) links.say(`${LONG} #${n}`)
  assert.equal(links.read(id)?.line, '')
})

test('an id that somebody made up stands for no more than a button may', () => {
  const links = createLinks()
  for (const line of ['stop web', 'rollback web', 'deny c7', 'freeze', 'unlock bob', 'no such word', ''])
    assert.equal(links.read(`w:1:${line}`)?.line, '', line)
  for (const line of ['status', 'rollback web --dry-run', 'approve c7'])
    assert.equal(links.read(`w:1:${line}`)?.line, line)
})
