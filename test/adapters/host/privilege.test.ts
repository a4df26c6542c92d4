import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeSeatStand, specOf } from './seat-stand.ts'

test('what a service puts into its environment never runs with the rights of the daemon', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const stand = makeSeatStand(t)
  const bin = join(stand.state, 'bin')
  const said = join(stand.state, 'said')
  mkdirSync(bin, { recursive: true })
  chmodSync(stand.root, 0o755)
  chmodSync(stand.state, 0o755)
  for (const name of ['setpriv', 'sh']) {
    writeFileSync(join(bin, name), `#!/bin/sh\nid -u >> ${said}\nexit 1\n`, { mode: 0o755 })
  }
  const env = { HEALD_MARK: stand.mark, PATH: `${bin}:/usr/bin:/bin`, ODD: 'a "quoted" $value `x` \\ and\nmore' }
  const run = ['/bin/sh', '-c', 'printf %s "$ODD"; printf "|%s" "$PATH"; id -un; exec sleep 1000']
  const { seat, ends } = await stand.seat(stand.host(), { ...specOf('s', run), user: 'nobody', env })
  seat.start()
  await stand.wait('its words', () => stand.log('s').includes('nobody'))
  assert.equal(stand.log('s'), `${env.ODD}|${env.PATH}nobody\n`)
  assert.ok(!existsSync(said), 'the fake setpriv was not run')
  assert.equal(ends.length, 0)
})
