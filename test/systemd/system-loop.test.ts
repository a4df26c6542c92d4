import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../until.ts'
import { makeSystemSite, systemSiteIsMissing } from './system-site.ts'

const missing = systemSiteIsMissing()

test('the whole loop on a system whose switch changes real units, told in chats by a bot that is a unit too', async t => {
  if (missing !== null) return t.skip(missing)
  const site = await makeSystemSite(t, { hasBot: true })
  const { machine, heald } = site
  const runOf = async () => (await machine.show('agent', 'InvocationID')).InvocationID
  await until('what runs to be known as good', async () => (await site.status()).targets[0]?.knownGood !== null)

  await t.test('a good one is committed, and its unit restarted once', async () => {
    const before = await runOf()
    const { code, stdout, stderr } = await site.deploy('good-3')
    assert.equal(code, 0, stdout + stderr)
    await site.restsOn('good-3')
    const after = await runOf()
    assert.notEqual(after, before)
    const starts = heald
      .of('service.started', 'agent')
      .filter(entry => entry.data.generationPath === site.path('good-3'))
    assert.equal(new Set(starts.map(entry => entry.data.pid)).size, 1, 'heald did not restart what the switch had')
    assert.equal(heald.of('incident.opened').length, 0, 'a switch is no incident')
  })

  for (const [name, why] of [
    ['crashes', /exited with code 7/],
    ['hangs', /did not get ready|not answer|was last written/],
    ['missing', /EXEC|exit code/],
  ] as const) {
    await t.test(`one that ${name} is rolled back, healthy and recorded`, async () => {
      const from = heald.entries().length
      const { code } = await site.deploy(name)
      assert.notEqual(code, 0)
      await site.restsOn('good-3')
      const entries = heald.entries().slice(from)
      const kinds = entries.map(({ kind }) => kind)
      for (const kind of ['switch.armed', 'deadman.armed', 'rollback.verified', 'generation.quarantined'] as const) {
        assert.ok(kinds.includes(kind), `${kind}: ${kinds}`)
      }
      assert.ok(
        entries.some(({ data }) => why.test(JSON.stringify(data))),
        'why it failed is recorded',
      )
      await site.told(`the rollback from ${name}`, /Rolled back: system on machine/, new RegExp(`not on \\w+-${name}`))
      if (name === 'crashes') await site.told('the crash loop', /Resolved: agent on machine/, /Crash loop: 3 failures/)
    })
  }

  await t.test('one that somebody else switched to, and that crash-loops, is led back from', async () => {
    const from = heald.entries().length
    const path = site.path('crashes')
    const profile = `${machine.shared}/nix/var/nix/profiles/system`
    const env = [
      'env',
      ...['STORE_DIR=store', 'STATE_DIR=var/nix', 'LOG_DIR=log', 'CONF_DIR=etc'].map(
        each => `NIX_${each.replace('=', `=${machine.shared}/nix/`)}`,
      ),
    ]
    await machine.must(...env, 'nix-env', '--profile', profile, '--set', path)
    await machine.run(`${path}/bin/switch-to-configuration`, 'test')
    await machine.run(`${path}/bin/switch-to-configuration`, 'boot')
    await heald.entry('the rollback', e => e.seq >= from && e.kind === 'rollback.verified', 60_000)
    await site.restsOn('good-3')
    assert.ok(heald.entries().some(e => e.seq >= from && e.kind === 'switch.observed'))
    await site.told('the rollback', /Rolled back: system on machine/, /somebody outside heald/)
  })
  await heald.verified()
})
