import assert from 'node:assert/strict'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WARM } from '../../core/cli/cache.js'
import { makeStand, NODE, ROOT } from './stand.ts'

test('a daemon compiles nothing that was not compiled for it before its first start', async t => {
  const stand = await makeStand(t)
  const cache = join(stand.state, 'cache')
  mkdirSync(cache, { recursive: true, mode: 0o700 })
  // As `up` does it, without its deadline.
  const env = { NODE_COMPILE_CACHE: cache }
  const argv = [NODE, join(ROOT, 'heald.js'), WARM, '--state', stand.state]
  const { code, stderr } = await stand.run(argv, { env, timeoutMs: 100_000 })
  assert.equal(code, 0, stderr)
  // Node keeps a folder for each set of V8's options: the daemon's is the one that is there now.
  const [folder = ''] = readdirSync(cache)
  const before = new Set(readdirSync(join(cache, folder)))
  assert.ok(before.size > 100, `${before.size} files are in the cache`)

  stand.configure({ services: { app: { run: ['sleep', '100000'] } } })
  const daemon = await stand.up({ timeoutMs: 100_000 })
  await stand.inState('app', 'ready')
  // What it compiled itself is saved at its end.
  process.kill(daemon.pid, 'SIGTERM')
  await daemon.ended
  const added = readdirSync(join(cache, folder)).filter(file => !before.has(file))
  assert.deepEqual(added, [], 'for these the daemon has loaded the TypeScript stripper, which costs it 8 MB for good')
})
