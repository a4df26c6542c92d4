import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTarget } from '../../../adapters/host/targets.ts'
import { letGoOfRoots } from '../../../core/install/roots.ts'
import { nixIsMissing, nixStand } from '../../adapters/host/nix-stand.ts'
import { targetSpec } from '../safeswitch/managed-spec.ts'

test('after a removal heald keeps nothing from being collected; when it comes again, it does', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  for (const kind of ['nix-profile', 'nixos'] as const) {
    const stand = nixStand(t, { systems: kind === 'nixos' })
    const state = join(stand.root, 'state')
    mkdirSync(state)
    const spec = targetSpec({ kind, path: stand.profile, activate: ['bin/activate'] })
    const { prepare } = await openTarget(state, spec, spec.path, stand.env)
    const kept = () => {
      const rows = stand.run('nix-store', '--gc', '--print-roots').split('\n')
      return rows.filter(row => row.startsWith(`${state}/`)).length
    }
    await prepare?.(['good-3', 'good-2'].map(stand.path))
    assert.equal(kept(), 2, kind)
    await letGoOfRoots(state)
    await letGoOfRoots(state)
    assert.equal(kept(), 0, kind)
    await prepare?.([stand.path('good-3')])
    assert.equal(kept(), 1, kind)
  }
  await letGoOfRoots('/no/such/folder')
})
