import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BusError } from '../../../adapters/host/bus-call.ts'
import { pathOf } from '../../../adapters/host/systemd-bus.ts'
import { unitPatterns } from '../../../adapters/host/unit-patterns.ts'

test('a wide pattern names all that run, but none of heald’s own', async () => {
  const names = ['web.service', 'healdy.service', 'heald.service', 'heald-bot.service', 'heald-switch-app-1.service']
  const patterns = unitPatterns({
    list: async () => names.map(name => [name, '', 'loaded', 'active']),
    pathNow: assert.fail,
    seated: () => [],
    warn: text => assert.fail(text),
  })
  assert.deepEqual(await patterns.units(['*.service'], []), ['healdy.service', 'web.service'])
})

test('a unit that a pattern names, and the configuration by its other name (Alias=), is one, and that is said once', async () => {
  const loaded: Record<string, string> = { 'nick.service': 'real.service', 'web.service': 'web.service' }
  const said: string[] = []
  let isHeard = false
  const patterns = unitPatterns({
    list: async () => ['other.service', 'real.service', 'web.service'].map(name => [name, '', 'loaded', 'active']),
    async pathNow(unit) {
      const wasHeard = isHeard
      isHeard = true
      if (!wasHeard) throw new BusError('org.freedesktop.DBus.Error.NoReply', 'it is asked again')
      const own = loaded[unit]
      if (own === undefined) throw new BusError('org.freedesktop.systemd1.NoSuchUnit', `Unit ${unit} not loaded.`)
      return pathOf(own)
    },
    seated: () => [],
    warn: text => void said.push(text),
  })
  const named = ['nick.service', 'gone.service', 'web.service']
  for (let n = 0; n < 2; n += 1)
    assert.deepEqual(await patterns.units(['*.service'], named), ['nick.service', 'other.service', 'web.service'])
  assert.equal(said.length, 1)
  assert.match(said[0] ?? '', /real\.service, which a pattern names, is nick\.service/)
})

test('a unit that systemd can’t load any more is one of them if it was one before, until there is nothing of it', async () => {
  const rows = [
    ['runs', 'bad-setting', 'active'],
    ['fails', 'not-found', 'failed'],
    // A failed start of heald's own takes away that it had failed.
    ['spoilt', 'bad-setting', 'inactive'],
    ['deleted', 'not-found', 'inactive'],
    ['masked', 'masked', 'inactive'],
    ['new', 'bad-setting', 'active'],
  ] as const
  const names = rows.map(([name]) => `${name}.service`)
  const patterns = unitPatterns({
    list: async () => rows.map(([name, load, active]) => [`${name}.service`, '', load, active]),
    pathNow: assert.fail,
    seated: () => names.filter(name => name !== 'new.service'),
    warn: text => assert.fail(text),
  })
  assert.deepEqual(await patterns.units(['*.service'], []), ['fails.service', 'runs.service', 'spoilt.service'])
})
