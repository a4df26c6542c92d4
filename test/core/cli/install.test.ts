import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mustBeSystemd } from '../../../core/cli/install.ts'
import { Fault } from '../../../core/fault.ts'

const DEBIAN = { isRoot: true, isNixos: false, hasSystemd: true }

test('where units can’t be installed or removed, it says what can be done instead', () => {
  const told = (command: 'install' | 'uninstall', facts: Partial<typeof DEBIAN>) => {
    try {
      mustBeSystemd(command, { ...DEBIAN, ...facts })
      return 'nothing'
    } catch (error) {
      return error instanceof Fault ? `${error.message}; ${error.hint}` : assert.fail(String(error))
    }
  }
  assert.deepEqual([told('install', {}), told('uninstall', {})], ['nothing', 'nothing'])
  assert.match(told('install', { isRoot: false }), /only root can install units; .*sudo/)
  assert.match(told('uninstall', { isRoot: false }), /only root can remove units/)
  assert.match(told('install', { isNixos: true }), /NixOS.*; .*services\.heald\.enable = true;.*docs\/installing\.md/)
  assert.match(told('uninstall', { isNixos: true }), /services\.heald\.enable = false;/)
  assert.match(told('install', { hasSystemd: false }), /systemd does not run here; .*heald up/)
  assert.match(told('uninstall', { hasSystemd: false }), /systemd does not run here; .*heald down/)
})
