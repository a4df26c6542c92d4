import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unitPatterns } from '../../../adapters/host/unit-patterns.ts'

test('a wide pattern names all that run, but none of heald’s own', async () => {
  const names = ['web.service', 'healdy.service', 'heald.service', 'heald-bot.service', 'heald-switch-app-1.service']
  const patterns = unitPatterns({
    list: async () => names.map(name => [name, '', 'loaded', 'active']),
    seated: () => [],
    warn: text => assert.fail(text),
  })
  assert.deepEqual(await patterns.units(['*.service']), ['healdy.service', 'web.service'])
})
