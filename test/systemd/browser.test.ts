import assert from 'node:assert/strict'
import { test } from 'node:test'
import { botUnit } from '../../core/install/unit-text.ts'
import { has } from '../adapters/host/nix-stand.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const PAGE = 'data:text/html,<title>a</title><script>document.title=String(6*7)</script>'

test('a Chromium runs, shut in by itself too, under the confinement of a bot with WhatsApp', async t => {
  const missing = machineIsMissing() ?? (has('chromium') ? null : 'needs chromium')
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await machine.must('useradd', '--system', '--user-group', 'heald-bot')
  const whatsapp = { kind: 'whatsapp', chats: ['1@c.us'], browser: null, browserArgs: [] } as const
  const unit = botUnit({
    ...{ program: ['/bin/node', '/heald.js'], config: '', host: 'machine', hasSubgroups: false, alarm: null },
    bot: { channels: [{ ...whatsapp, quietHours: null, digest: null }] },
  })
  const chromium = `chromium --headless=new --disable-gpu --user-data-dir=/var/lib/heald-bot/profile --dump-dom "${PAGE}"`
  const asBrowser = unit
    .replace(/^ExecStart=.*$/m, `Type=oneshot\nExecStart=/usr/bin/${chromium}`)
    .replace('Restart=always', 'Restart=no')
  await machine.units({ 'browser.service': asBrowser })
  const { code } = await machine.run('systemctl', 'start', 'browser')
  const said = (await machine.run('journalctl', '-q', '-o', 'cat', '-u', 'browser')).stdout
  assert.equal(code, 0, said)
  assert.match(said, /<title>42<\/title>/)
  const out = await machine.must('systemd-analyze', 'security', '--no-pager', 'browser.service')
  const score = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(out)?.[1])
  t.diagnostic(`systemd-analyze security: ${score}`)
  assert.ok(score <= 2.5)
})
