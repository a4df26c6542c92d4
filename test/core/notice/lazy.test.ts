import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { importsOf } from '../../structure/imports.ts'
import { textOf } from '../../structure/project.ts'

/** Files that are loaded with `entry`, whatever is configured. */
function loadedWith(entry: string): Set<string> {
  const loaded = new Set([entry])
  for (const file of loaded) {
    const lines = textOf(file).split('\n')
    for (const { specifier, typeOnly, line } of importsOf(textOf(file))) {
      const isLater = lines[line - 1]?.includes('import(') === true
      if (!typeOnly && !isLater && specifier.startsWith('.')) loaded.add(posix.join(posix.dirname(file), specifier))
    }
  }
  return loaded
}

test('a daemon without channels, escalation and maintenance does without the memory of what handles them', () => {
  const loaded = loadedWith('core/cli/up.ts')
  assert.ok(loaded.has('core/daemon.ts') && loaded.has('core/heal/service.ts'), 'the imports were followed')
  const notices = [...loaded].filter(file => file.startsWith('core/notice/')).sort()
  assert.deepEqual(notices, ['core/notice/memory.ts', 'core/notice/on-demand.ts'])
  assert.ok(!loaded.has('core/api/bot-routes.ts') && existsSync('core/api/bot-routes.ts'))
})
