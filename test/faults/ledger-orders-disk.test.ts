import assert from 'node:assert/strict'
import { chmodSync, cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exitOf } from '../../core/cli/exit.ts'
import { run as ledger } from '../../core/cli/ledger.ts'
import { run as keygen } from '../../core/cli/ledger-keys.ts'
import { codeOf, Fault } from '../../core/fault.ts'
import { paperContext } from '../core/cli/context.ts'
import { manySegments } from '../core/ledger/many-segments.ts'
import { entriesIn } from '../core/ledger/stand.ts'
import { makeStand } from '../journeys/stand.ts'
import { smallDisk } from './small-disk.ts'

/** Long before heald gives up to wait for a tree. */
const AT_ONCE_MS = 20_000

test('on a full disk, with no daemon, what has to be recorded is refused at once, with the true reason', async t => {
  const made = await manySegments(t, 1)
  const seq = entriesIn(made).find(({ data }) => data.tail !== undefined)?.seq ?? assert.fail()
  for (const blocks of [0, 1, 2, 3]) {
    const disk = smallDisk(t, '16m')
    if (disk === null) return t.skip('no small disk can be mounted here')
    const dir = join(disk.at, 'ledger')
    cpSync(made, dir, { recursive: true })
    for (const words of [['checkpoint'], ['keygen'], ['erase', String(seq)]]) {
      const what = `${words[0]}, room for ${blocks} blocks`
      disk.fill(blocks)
      const { context, err } = paperContext({ state: disk.at })
      const startMs = performance.now()
      const ordered = words[0] === 'keygen' ? keygen(context, []) : ledger(context, words, {})
      const error = await ordered.then(
        () => null,
        (error: unknown) => error,
      )
      assert.ok(performance.now() - startMs < AT_ONCE_MS, what)
      t.diagnostic(`${what}: ${error === null ? 'done' : `${codeOf(error)}: ${(error as Error).message}`}`)
      assert.doesNotMatch(err(), /Healing goes on/, what)
      disk.clear()
      if (blocks > 0 && error === null) continue
      assert.ok(error instanceof Fault, what)
      assert.equal(exitOf(codeOf(error)), 3, what)
      assert.match(error.message, /^not recorded, so not done: the disk is full/, what)
      assert.match(error.hint ?? '', /free or repair the disk that holds .*, then ask again/, what)
    }
    const { context } = paperContext({ state: disk.at })
    assert.equal(await keygen(context, []), 0, 'once there is room it is done')
  }
})

test('who may read the ledger and not write it is told so at once', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const stand = await makeStand(t)
  cpSync(await manySegments(t, 1), join(stand.state, 'ledger'), { recursive: true })
  for (const path of [stand.root, stand.state, join(stand.state, 'ledger')]) chmodSync(path, 0o755)
  for (const name of readdirSync(join(stand.state, 'ledger'), { recursive: true, encoding: 'utf8' }))
    if (!name.startsWith('keys')) chmodSync(join(stand.state, 'ledger', name), 0o755)
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
  for (const words of [['ledger', 'checkpoint'], ['keygen'], ['ledger', 'erase', '1']]) {
    const startMs = performance.now()
    const { code, stderr } = await stand.run([...nobody, ...stand.heald(...words)])
    assert.equal(code, 2, stderr)
    assert.match(stderr.replaceAll(/\s+/g, ' '), /^heald: you may not write the ledger in .* ask as .*sudo heald …/)
    assert.ok(performance.now() - startMs < AT_ONCE_MS, words.join(' '))
  }
})
