import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silence, silences, unsilence } from '../../../core/cli/silence.ts'
import { stand } from '../api/stand.ts'
import { paperContext } from './context.ts'

const NOW = { nowMs: () => Date.parse('2026-08-21T11:30:00.000Z') }

test('heald silence asks for it and says until when, and how to end it', async t => {
  const { socket, asked } = await stand(t)
  const { context, out } = paperContext({ socket, env: { SUDO_USER: 'alice' }, ...NOW })
  await silence.run(context, ['agent*', '2h', 'new', 'disk'])
  assert.equal(out(), 'silence-1: notices of agent* are silent until 13:00:00. To end it: heald unsilence silence-1\n')
  assert.deepEqual(asked, ['silence {"service":"agent*","for":"2h","why":"new disk"} local:admin/alice'])
  await assert.rejects(silence.run(context, ['agent']), { code: 'usage.words' })
})

test('heald silences lists them, for people and for programs', async t => {
  const { socket } = await stand(t)
  const people = paperContext({ socket, ...NOW })
  await silences.run(people.context, [])
  assert.match(people.out(), /ID +ABOUT +UNTIL +LEFT +SINCE +BY +WHY/)
  assert.match(people.out(), /silence-1 +agent\* +13:00:00 +1 h 30 m +30 min ago \(11:00:00\) +local:admin +new disk/)
  const programs = paperContext({ socket, json: true })
  await silences.run(programs.context, [])
  assert.equal(JSON.parse(programs.out())[0].untilTs, '2026-08-21T13:00:00.000Z')
  await assert.rejects(silences.run(people.context, ['all']), { code: 'usage.words' })
})

test('heald unsilence ends one', async t => {
  const { socket, asked } = await stand(t)
  const { context, out } = paperContext({ socket, env: {} })
  await unsilence.run(context, ['silence-1'])
  assert.equal(out(), 'silence-1 is over: notices of agent* make a sound again\n')
  assert.deepEqual(asked, ['unsilence silence-1 local:admin'])
  await assert.rejects(unsilence.run(context, []), { code: 'usage.words' })
})
