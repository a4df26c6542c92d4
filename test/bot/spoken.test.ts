import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Word } from '../../bot/channel.ts'
import { createLinks } from '../../bot/links.ts'
import { askOf, spokenIn } from '../../bot/spoken.ts'

const FULL = `c2sp.org/tlog-proof@v1
extra eyJ2IjoxfQ==
index 41
aGFzaDE=
aGFzaDI=

web-1/heald/0a1b2c3d
60
cm9vdA==

— web-1/heald/0a1b2c3d c2lnbmF0dXJl
`

function word(more: Partial<Word>): Word {
  return {
    ...{ platform: 'slack', user: 'T/U1', name: 'Alice', chat: 'C1', key: 'slack:1', isPaced: false, askCode: null },
    ...{ button: null, text: '', saidMs: null, options: null, code: null, showBusy: null },
    reply: async () => null,
    hide: async () => false,
    ...more,
  }
}

const spoken = (more: Partial<Word>, links = createLinks()) => spokenIn(word(more), links)

test('typed text: its line without the code, whether it only reads, and whether a code can be seen', () => {
  const seen = (text: string) => {
    const { line, isReading, hasCode } = spoken({ text })
    return [line, isReading, hasCode]
  }
  assert.deepEqual(seen('/status   web'), ['status web', true, false])
  assert.deepEqual(seen('/rollback web --dry-run'), ['rollback web --dry-run', true, false])
  assert.deepEqual(seen('/restart web'), ['restart web', false, false])
  assert.deepEqual(seen('/approve c7 123456'), ['approve c7', false, true])
  assert.deepEqual(seen('/aprove c7 123456'), ['', false, true])
  assert.deepEqual(seen('/aprove c7 1234567'), ['', false, false])
})

test('a code that came by a form or a field is seen by nobody', () => {
  assert.equal(spoken({ text: '/approve c7', code: '123456' }).hasCode, false)
  const options = { word: 'approve', args: { id: 'c7', code: '123456' } }
  const { hasCode, line, said } = spoken({ text: '/approve c7 123456', options })
  assert.deepEqual([hasCode, line, said], [false, 'approve c7', { word: 'approve', args: options.args }])
  assert.equal(spoken({ options: { word: 'nothing', args: {} } }).line, '')
})

test('a button of an answer is its line, one of core’s is its id, and so is one that nobody knows any more', () => {
  const links = createLinks()
  const turned = spoken({ button: links.turn('ledger svc:api', 2) }, links)
  assert.deepEqual(
    [turned.said, turned.page, turned.isInPlace, turned.isReading],
    [{ text: 'ledger svc:api' }, 2, true, true],
  )
  for (const button of ['bOfCore', 'ww:1:goneMeanwhile', 'w:1:stop web']) {
    const { said, line, isReading } = spoken({ button }, links)
    assert.deepEqual([said, line, isReading], [{ button }, '', false])
  }
})

test('a full receipt that came as one line gets its lines back, typed or in a field', () => {
  const flat = FULL.trim().replaceAll(/\s+/g, ' ')
  assert.deepEqual(spoken({ text: `/verify ${flat}` }).said, { text: `/verify ${FULL}` })
  assert.deepEqual(spoken({ options: { word: 'verify', args: { receipts: flat } } }).said, {
    word: 'verify',
    args: { receipts: FULL },
  })
  assert.deepEqual(spoken({ text: `/verify ${FULL}` }).said, { text: `/verify ${FULL}` })
  for (const text of ['/verify c2sp.org/tlog-proof@v1', `/verify ${flat.replace(' — ', ' ')}`])
    assert.deepEqual(spoken({ text }).said, { text }, 'what is no receipt is left as it is')
})

test('core is asked with what the platform said of the person, and nothing else', () => {
  const said = word({ text: '/status', code: '123456' })
  assert.deepEqual(askOf(said, spokenIn(said, createLinks()), 400), {
    from: { platform: 'slack', user: 'T/U1', chat: 'C1' },
    ...{ key: 'slack:1', said: { text: '/status' }, code: '123456', waitMs: 400 },
  })
})

test('core is told when it was said, where the platform keeps what nobody fetched', () => {
  const said = word({ text: '/freeze', saidMs: 1_700_000_000_000 })
  assert.equal(askOf(said, spokenIn(said, createLinks()), 0).saidMs, 1_700_000_000_000)
})
