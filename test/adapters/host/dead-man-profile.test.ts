import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readlinkSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { deadManStand, printOf } from './dead-man-stand.ts'
import { folder, giveTo, nobody } from './releases-stand.ts'

/** A profile in root's folder that leads to its second generation, and a folder that is nothing of it. */
async function profileStand(t: TestContext, isReached = '') {
  const base = folder(t)
  const [home, outside] = [join(base, 'home'), join(base, 'outside')]
  const [profiles, elsewhere] = [join(home, 'profiles'), join(outside, 'profiles')]
  for (const at of [profiles, elsewhere]) {
    mkdirSync(at, { recursive: true })
    for (const [name, to] of [
      ['app-1-link', join(base, '1')],
      ['app-2-link', join(base, '2')],
      ['app', 'app-2-link'],
    ] as const)
      symlinkSync(to, join(at, name))
  }
  for (const name of ['1', '2']) mkdirSync(join(base, name))
  if (isReached !== '') symlinkSync(home, join(base, isReached))
  const path = join(isReached === '' ? home : join(base, isReached), 'profiles/app')
  const more = { running: '', activate: [], activationDeadlineMs: 5000 }
  const target = { name: 'app', kind: 'nix-profile', path, ...more } as const
  const stand = deadManStand(t, { target, account: null }, join(base, 'state'))
  return { ...stand, home, outside, profiles, one: { generation: '1', path: join(base, '1') }, account: await nobody() }
}

test('root moves no profile in a folder of another user, and follows no link there', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const owned = await profileStand(t)
  giveTo(owned.account, owned.profiles)
  await assert.rejects(owned.deadMan.arm(owned.one, 100), { code: 'target.owner' })
  const tricks: Record<string, (stand: Awaited<ReturnType<typeof profileStand>>) => void> = {
    'a folder of its own': ({ profiles, account }) => giveTo(account, profiles),
    'a lock that is a link': ({ profiles, outside }) =>
      symlinkSync(join(outside, 'victim'), join(profiles, 'app.lock')),
    "a link to another of root's folders": ({ home, outside }) => {
      renameSync(home, `${home}.away`)
      symlinkSync(outside, home)
    },
  }
  for (const [trick, play] of Object.entries(tricks)) {
    const stand = await profileStand(t)
    const before = printOf(stand.outside)
    await stand.deadMan.arm(stand.one, 600)
    play(stand)
    const { result, why } = await stand.fired()
    assert.equal(printOf(stand.outside), before, trick)
    assert.equal(result, 'failed', trick)
    assert.match(why, /belongs to somebody else, or its path leads through a link/)
    if (existsSync(stand.profiles)) assert.equal(readlinkSync(join(stand.profiles, 'app')), 'app-2-link')
  }
})

test('a profile whose path leads through a link from the start is led back', async t => {
  const stand = await profileStand(t, 'link')
  await stand.deadMan.arm(stand.one, 100)
  const { result, why } = await stand.fired()
  assert.equal(result, 'done', why)
  assert.equal(readlinkSync(join(stand.profiles, 'app')), 'app-1-link')
})
