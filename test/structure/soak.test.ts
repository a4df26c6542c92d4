import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FULL_COUNTS } from '../soak.ts'
import { projectFiles, textOf } from './project.ts'

test('every HEALD_SOAK_ variable that a test reads has its full count in test/soak.ts, and none is left over', () => {
  const read = new Set(
    projectFiles()
      .filter(file => file.startsWith('test/') && file !== 'test/soak.ts' && !file.startsWith('test/structure/'))
      .flatMap(file => textOf(file).match(/HEALD_SOAK_[A-Z0-9_]+/g) ?? []),
  )
  assert.deepEqual(Object.keys(FULL_COUNTS).sort(), [...read].sort())
})
