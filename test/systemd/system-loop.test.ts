import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../until.ts'
import { makeSystemSite, systemSiteIsMissing } from './system-site.ts'

const missing = systemSiteIsMissing()

test('the whole loop on a system whose switch changes real units, told in chats by a bot that is a unit too', {
  timeout: 600_000,
}, async t => {
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
      // The last of them is recorded a moment after the target rests.
      for (const kind of ['switch.armed', 'deadman.armed', 'rollback.verified', 'generation.quarantined'] as const)
        await heald.entry(kind, e => e.seq >= from && e.kind === kind)
      const entries = heald.entries().slice(from)
      assert.ok(
        entries.some(({ data }) => why.test(JSON.stringify(data))),
        'why it failed is recorded',
      )
      await site.told(`the rollback from ${name}`, /Rolled back: system on machine/, new RegExp(`not on \\w+-${name}`))
      if (name === 'crashes') await site.told('the crash loop', /Resolved: agent on machine/, /Crash loop: 3 failures/)
    })
  }

  await t.test('one that restarts heald itself is committed all the same, and led back from if it is bad', async () => {
    const switches = async (to: string, end: 'switch.committed' | 'rollback.verified') => {
      const from = heald.entries().length
      const { code, stdout, stderr } = await site.deploy(to, '--force')
      assert.match(stderr, /it has ended in the middle of the switch of system; waiting for the next one/)
      assert.equal(code, end === 'switch.committed' ? 0 : 1, stdout + stderr)
      assert.match(stdout, end === 'switch.committed' ? /known to be good, after/ : /was rolled back to/)
      return heald
        .entries()
        .slice(from)
        .map(({ kind }) => kind)
    }
    const restarts = (kinds: readonly string[]) => kinds.filter(kind => kind === 'daemon.started').length
    for (const isSlow of [false, true]) {
      site.turn('slowly', isSlow)
      site.otherHeald('good-2')
      const there = await switches('good-2', 'switch.committed')
      await site.restsOn('good-2')
      assert.deepEqual([restarts(there), there.includes('rollback.started')], [1, false], there.join(' '))
      const bad = await switches('crashes', 'rollback.verified')
      await site.restsOn('good-2')
      assert.deepEqual([restarts(bad), bad.includes('switch.probation')], [2, true], bad.join(' '))
      const back = await switches('good-3', 'switch.committed')
      await site.restsOn('good-3')
      assert.deepEqual([restarts(back), back.includes('rollback.started')], [1, false], back.join(' '))
    }
    site.turn('slowly', false)
  })

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
    await heald.entry('the rollback', e => e.seq >= from && e.kind === 'rollback.verified')
    await site.restsOn('good-3')
    assert.ok(heald.entries().some(e => e.seq >= from && e.kind === 'switch.observed'))
    await site.told('the rollback', /Rolled back: system on machine/, /somebody outside heald/)
  })
  await heald.verified()
})
