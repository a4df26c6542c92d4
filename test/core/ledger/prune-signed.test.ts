import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { claimOf } from '../../../core/ledger/checkpoint.ts'
import { disk } from '../../../core/ledger/files.ts'
import { latestCheckpoint } from '../../../core/ledger/kept.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { manySegments, reopened } from './many-segments.ts'

test('a prune is done although its entry can’t be signed yet: that is said, and the next checkpoint signs it', async t => {
  const dir = await manySegments(t, 1)
  const troubles: string[] = []
  const onTrouble = (what: string): void => void troubles.push(what)
  const ledger = await reopened(t, dir, { fsync: true, checkpointEveryMs: 86_400_000, onTrouble })
  const replace = disk.replace
  const mocked = t.mock.method(disk, 'replace', async (...args: Parameters<typeof replace>) => {
    if (args[0] === join(dir, 'checkpoint') && existsSync(join(dir, 'base.json')))
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' })
    return replace(...args)
  })
  const end = sealedSegments(dir).at(-1)?.end ?? -1
  const { upTo, seq } = await ledger.prune({ upTo: end, archive: null, by: 'local:admin' })
  mocked.mock.restore()
  assert.equal(upTo, end)
  assert.match(troubles.join(), /what was pruned is not signed yet: ENOSPC/)
  const signedSize = (): number => claimOf(latestCheckpoint(dir) ?? '')?.size ?? 0
  assert.ok(signedSize() <= seq)
  await ledger.checkpoint()
  assert.ok(signedSize() > seq)
})
