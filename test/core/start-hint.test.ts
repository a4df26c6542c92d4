import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askRoot, howToStart } from '../../core/start-hint.ts'

test('who is not root is told to ask the unit of this host as root', () => {
  const mine = '/srv/mine/heald.sock'
  assert.match(askRoot(mine, { isRoot: false, hasUnit: true }) ?? '', /as root: sudo heald …/)
  assert.equal(askRoot(mine, { isRoot: true, hasUnit: true }), null)
  assert.equal(askRoot(mine, { isRoot: false, hasUnit: false }), null)
  assert.equal(askRoot('/run/heald/heald.sock', { isRoot: false, hasUnit: true }), null)
})

test('a unit is started by systemd, anything else by heald', () => {
  assert.equal(howToStart('/srv/mine/heald.sock', true), 'heald up')
  assert.equal(howToStart('/run/heald/heald.sock', false), 'heald up')
  assert.equal(howToStart('/run/heald/heald.sock', true), 'systemctl start heald')
})
