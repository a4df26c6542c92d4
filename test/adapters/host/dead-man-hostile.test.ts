import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { groupsOf } from '../../../adapters/host/activation-groups.ts'
import { releasesTarget } from '../../../adapters/host/releases.ts'
import { activationGroupsGone } from '../../journeys/leftovers.ts'
import { deadManStand, end, isAlive, move, printOf, release, until, withWord } from './dead-man-stand.ts'
import { currentOf, folder, giveTo, makeReleases, nobody, ROOT } from './releases-stand.ts'

const TRIES = Number(process.env.HEALD_SOAK_DEADMAN_TRIES ?? 6)

/** What can be done with a name that somebody evaluates. */
const NAMES = [
  'a b',
  "it's",
  '"',
  '$(touch PWNED)',
  '`touch PWNED`',
  'a\nb\n',
  '-rf',
  '*',
  '\\',
  '$HOME',
  ';touch PWNED;',
  '%s',
]

/** Shells that are called sh somewhere: NixOS has bash, Alpine busybox. */
const SHELLS = ['/bin/dash', '/bin/bash', '/bin/busybox']

test('names are only names, whatever is in them and whichever shell reads them', async t => {
  const shells = SHELLS.filter(shell => existsSync(shell))
  assert.ok(shells.length > 0)
  t.diagnostic(shells.join(' '))
  for (const shell of shells) {
    const base = folder(t)
    const bin = join(base, 'bin')
    mkdirSync(bin)
    // A copy: a link would be followed, to a folder that has a sh of its own.
    copyFileSync(shell, join(bin, 'sh'))
    await tryNames(t, base, { PATH: `${bin}:${process.env.PATH}` })
  }
})

async function tryNames(t: TestContext, base: string, env: Readonly<Record<string, string>>): Promise<void> {
  const odd = join(base, NAMES.join(' ').replaceAll('PWNED', `${base.replaceAll('/', '_')}`))
  mkdirSync(odd)
  const before = readdirSync(base)
  for (const [index, name] of [...NAMES, NAMES.join('')].entries()) {
    const path = makeReleases(join(odd, `${index} ${name}`), 1)
    mkdirSync(join(path, 'releases', name))
    writeFileSync(join(path, 'releases', name, 'go'), `#!/bin/sh\nprintf %s "$1$HEALD_GENERATION" > said\n`, {
      mode: 0o755,
    })
    const target = {
      name,
      kind: 'releases',
      path,
      running: '',
      activate: ['./go', name],
      activationDeadlineMs: 5000,
    } as const
    const stand = deadManStand(t, { target, account: null, env }, join(odd, `state ${index} ${name}`))
    const id = await stand.deadMan.arm(release(path, name), 100)
    const { result, why, to } = await stand.fired()
    assert.deepEqual([result, why, to], ['done', 'nobody disarmed it in time', release(path, name)], name)
    assert.equal(currentOf(path), `releases/${name}`)
    assert.equal(readFileSync(join(path, 'releases', name, 'said'), 'utf8'), name + name)
    await stand.deadMan.imported(id)
  }
  assert.deepEqual(readdirSync(base), before)
  assert.ok(!existsSync('/PWNED') && !existsSync('PWNED'))
}

/** A release folder of another user beside one of root's that looks the same. */
async function ownedStand(t: TestContext, activate: readonly string[] = []) {
  const base = folder(t)
  const [home, outside] = [join(base, 'home'), join(base, 'outside')]
  const account = await nobody()
  const path = makeReleases(join(home, 'app'), 2)
  move(path, '2')
  makeReleases(outside, 2)
  move(outside, '2')
  giveTo(account, home, path, join(path, 'releases'), join(path, 'releases/1'), join(path, 'releases/2'))
  const target = { name: 'app', kind: 'releases', path, running: '', activate, activationDeadlineMs: 5000 } as const
  return {
    ...deadManStand(t, { target, account }, join(base, 'state')),
    base,
    home,
    outside,
    path,
    account,
    one: release(path, '1'),
  }
}

test('in a folder of another user it moves and activates as that user', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const { deadMan, fired, path, account, one } = await ownedStand(t, ['./go'])
  writeFileSync(join(path, 'releases/1/go'), '#!/bin/sh\n{ id -u; id -G; pwd; } > said\n', { mode: 0o755 })
  await deadMan.arm(one, 100)
  const { result, why } = await fired()
  assert.equal(result, 'done', why)
  assert.equal(currentOf(path), 'releases/1')
  assert.equal(lstatSync(join(path, 'current')).uid, account.uid)
  assert.equal(readFileSync(join(path, 'releases/1/said'), 'utf8'), `${account.uid}\n${account.gid}\n${one.path}\n`)
})

test('in a folder of root it moves as root, also when an owner is named', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const { deadMan, fired, path, one, home, account } = await ownedStand(t)
  giveTo({ ...account, uid: 0, gid: 0 }, home, path)
  await deadMan.arm(one, 100)
  assert.equal((await fired()).result, 'done')
  assert.equal(currentOf(path), 'releases/1')
  assert.equal(lstatSync(join(path, 'current')).uid, 0)
})

test('an owner who has put links in its way gains nothing', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const tricks: Record<string, (stand: Awaited<ReturnType<typeof ownedStand>>) => void> = {
    'the folder': ({ path, outside, home }) => {
      renameSync(path, join(home, 'away'))
      symlinkSync(outside, path)
    },
    "root's folder in the owner's": ({ path, outside, home, account }) => {
      giveTo({ ...account, uid: 0, gid: 0 }, path)
      renameSync(path, join(home, 'away'))
      symlinkSync(outside, path)
    },
    releases: ({ path, outside }) => {
      renameSync(join(path, 'releases'), join(path, 'away'))
      symlinkSync(join(outside, 'releases'), join(path, 'releases'))
    },
    'the release': ({ path, outside }) => {
      renameSync(join(path, 'releases/1'), join(path, 'away'))
      symlinkSync(join(outside, 'releases/1'), join(path, 'releases/1'))
    },
    'the name of the new link': ({ path, outside }) => symlinkSync(outside, join(path, '.current.heald-new')),
    'a folder as the new link': ({ path }) => mkdirSync(join(path, '.current.heald-new/folder'), { recursive: true }),
    pointer: ({ path, outside }) => {
      unlinkSync(join(path, 'current'))
      symlinkSync(outside, join(path, 'current'))
    },
  }
  for (const [trick, play] of Object.entries(tricks)) {
    const stand = await ownedStand(t)
    const before = printOf(stand.outside)
    await stand.deadMan.arm(stand.one, 600)
    play(stand)
    const { result, why } = await stand.fired()
    assert.equal(printOf(stand.outside), before, trick)
    // Where its own link was in the way it is swept, and it may go on.
    const isPassed = ['the name of the new link', 'pointer'].includes(trick)
    assert.equal(result, isPassed ? 'done' : 'failed', `${trick}: ${why}`)
    if (isPassed) assert.equal(readlinkSync(join(stand.path, 'current')), 'releases/1')
  }
})

test('an owner who swaps links all the time gets nothing done outside', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const { deadMan, fired, path, outside, home, account, one } = await ownedStand(t)
  const before = printOf(outside)
  const args = [join(ROOT, 'test/fixtures/swaps-links.py'), String(account.uid), home, outside]
  const child = spawn('python3', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => end(child))
  await Promise.race([once(child.stdout, 'data'), once(child, 'error')])
  if (child.pid === undefined) return t.skip('needs python3')
  const counts: Record<string, number> = {}
  for (let n = 0; n < TRIES; n += 1) {
    // The goal is there only some of the time.
    const id = await deadMan.arm(one, 20).catch(() => null)
    if (id === null) continue
    const { result, why } = await fired()
    counts[`${result}: ${why}`] = (counts[`${result}: ${why}`] ?? 0) + 1
    await deadMan.imported(id)
  }
  await end(child)
  assert.equal(printOf(outside), before)
  t.diagnostic(JSON.stringify(counts))
  assert.ok(Object.keys(counts).length > 0)
  assert.ok(existsSync(path))
})

test('an activation of ours that still runs is ended first, and nobody else’s', async t => {
  const base = folder(t)
  const path = makeReleases(join(base, 'app\nx'), 2)
  const other = makeReleases(join(base, 'app\nx2'), 2)
  for (const at of [path, other])
    writeFileSync(
      join(at, 'releases/2/go'),
      '#!/bin/sh\n(setsid sh -c "echo \\$\\$ > far; exec sleep 45678" &) ; echo $$ > near; exec sleep 45678\n',
      { mode: 0o755 },
    )
  t.after(async () => {
    for (const pid of withWord('45678')) process.kill(pid, 'SIGKILL')
    await until('their end', () => withWord('45678').length === 0)
    for (const at of [path, other]) await activationGroupsGone(at)
  })
  const run = (at: string) =>
    releasesTarget({ name: 'app', path: at, activate: ['./go'] }).activate(
      { ...release(at, '2'), createdMs: 0 },
      60_000,
    )
  const runs = [run(path), run(other)]
  const pidsOf = (at: string) => ['near', 'far'].map(name => Number(readFileSync(join(at, 'releases/2', name), 'utf8')))
  const written = (at: string) =>
    ['near', 'far'].every(
      name => existsSync(join(at, 'releases/2', name)) && readFileSync(join(at, 'releases/2', name), 'utf8') !== '',
    )
  await until('the runs', () => written(path) && written(other))
  const target = { name: 'app', kind: 'releases', path, running: '', activate: [], activationDeadlineMs: 5000 } as const
  const stand = deadManStand(t, { target, account: null }, join(base, 'state'))
  await stand.deadMan.arm(release(path, '1'), 100)
  assert.equal((await stand.fired()).result, 'done')
  const [near = 0, far = 0] = pidsOf(path)
  assert.ok(!isAlive(near))
  if (groupsOf(path) !== null) assert.ok(!isAlive(far), 'what left the session')
  assert.deepEqual(pidsOf(other).map(isAlive), [true, true])
  assert.equal((await runs[0])?.verdict, 'failed')
  for (const pid of withWord('45678')) process.kill(pid, 'SIGKILL')
  await Promise.all(runs)
})
