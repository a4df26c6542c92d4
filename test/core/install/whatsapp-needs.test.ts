import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WhatsAppSpec } from '../../../core/config/channel-spec.ts'
import { Fault } from '../../../core/fault.ts'
import { checkWhatsApp } from '../../../core/install/whatsapp-needs.ts'
import { freshFolder } from '../config/folder.ts'

const SPEC: WhatsAppSpec = {
  ...{ kind: 'whatsapp', browser: null, browserArgs: [], chats: ['1@c.us'] },
  ...{ quietHours: null, digest: null },
}

test('what the unit of WhatsApp needs is told with what to do about it', async t => {
  const folder = freshFolder(t)
  const browser = join(folder, 'chromium')
  const told = (spec: Partial<WhatsAppSpec>, isInstalled = true) =>
    checkWhatsApp({ ...SPEC, ...spec }, folder, () => isInstalled).then(
      () => 'nothing',
      error => (error instanceof Fault ? `${error.message}; ${error.hint}` : assert.fail(error)),
    )
  assert.match(await told({}, false), /whatsapp-web\.js is not installed; .*npm ci --include=optional/)
  assert.match(await told({}), /there is no Chromium on the PATH of units .*; install the package chromium/)
  assert.match(await told({ browser }), new RegExp(`there is no program ${browser}; .*channels\\.whatsapp\\.browser`))
  writeFileSync(browser, '', { mode: 0o755 })
  assert.deepEqual([await told({}), await told({ browser })], ['nothing', 'nothing'])
})
