import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { assertQuiet, atRest } from './switch-rest.ts'
import { type Kind, makeSite, type Site, siteIsMissing } from './switch-site.ts'

/*
 * Activations that fail, hang or kill, through the daemon. Whatever they do, the switch ends on a generation that is known
 * to be good, and an entry says how the activation ended.
 */
interface Case {
  readonly path: string
  readonly outcome: 'committed' | 'rolled back' | 'failed'
  /** Of which entry, and with what. */
  readonly says: readonly [kind: string, exitCode: number | undefined, why: RegExp]
}

const KILLS_PARENT = '#!/bin/sh\nkill -9 $PPID\nsleep 60\n'
const exits = (code: number) => `#!/bin/sh\necho 'it says why' >&2\nexit ${code}\n`

async function begin(t: TestContext, kind: Kind): Promise<Site | null> {
  const missing = siteIsMissing(kind)
  if (missing !== null) {
    t.skip(missing)
    return null
  }
  const site = await makeSite(t, kind, { activationDeadline: '2s' })
  await site.up()
  await site.known()
  return site
}

async function go(site: Site, name: string, { path, outcome, says }: Case): Promise<void> {
  const [from] = site.pointers()
  const before = site.stand.entries().length
  const switched = await site.deploy(path)
  await atRest(site)
  const runs = await assertQuiet(site, name)
  assert.deepEqual(
    [switched.outcome, runs],
    [outcome, outcome === 'committed' ? path : from],
    `${name}: ${switched.why}`,
  )
  const [kind, exitCode, why] = says
  const entry = site.stand
    .entries()
    .slice(before)
    .find(each => each.kind === kind)
  assert.equal(entry?.data.exitCode, exitCode, `${name}: ${JSON.stringify(entry)}`)
  assert.match(String(entry?.data.why), why, name)
}

test('releases: an activation that fails, hangs or kills is rolled back from, and the entry says how', async t => {
  const site = await begin(t, 'releases')
  if (site === null) return
  for (const code of [1, 2, 4, 11, 100, 101, 255])
    await go(site, `exit ${code}`, {
      path: site.add(`exits-${code}`, exits(code)),
      outcome: 'rolled back',
      says: ['rollback.started', code, new RegExp(`exit code ${code}: it says why`)],
    })
  const hangs = "#!/bin/sh\ntrap '' TERM\nsetsid sleep 300 &\nsleep 300\n"
  await go(site, 'hangs', {
    path: site.add('hangs', hangs),
    outcome: 'rolled back',
    says: ['rollback.started', undefined, /did not end within 2000 ms/],
  })
  await go(site, 'kills its parent', {
    path: site.add('kills-parent', KILLS_PARENT),
    outcome: 'rolled back',
    says: ['rollback.started', undefined, /SIGKILL/],
  })
})

test('releases: an activation that kills heald is rolled back from when heald is back', async t => {
  const site = await begin(t, 'releases')
  if (site === null) return
  const { stand } = site
  const script = '#!/bin/sh\nread -r _ _ _ heald _ < /proc/$PPID/stat\nkill -9 $heald\nsleep 60\n'
  const before = stand.entries().length
  await assert.rejects(site.deploy(site.add('kills-heald', script)))
  await site.up()
  await atRest(site)
  assert.equal(await assertQuiet(site, 'kills heald', true), site.one)
  const [started] = stand
    .entries()
    .slice(before)
    .filter(({ kind }) => kind === 'rollback.started')
  assert.deepEqual(
    [started?.data.cause, /ended during the activation/.test(String(started?.data.why))],
    ['recovery', true],
  )
})

test('nixos: each documented exit code ends safe, and the entry says which', async t => {
  const site = await begin(t, 'nixos')
  if (site === null) return
  const cases: Record<string, Case> = {
    check: { path: site.path('check'), outcome: 'rolled back', says: ['rollback.started', 1, /exit code 1: a check/] },
    activation: { path: site.path('activation'), outcome: 'committed', says: ['switch.probation', 2, /a snippet/] },
    units: { path: site.path('units'), outcome: 'committed', says: ['switch.probation', 4, /these units failed/] },
    init: { path: site.path('init'), outcome: 'failed', says: ['switch.failed', 100, /boot trial/] },
    lies: { path: site.path('lies'), outcome: 'rolled back', says: ['rollback.started', 0, /ended well, but/] },
    hangs: { path: site.path('hangs'), outcome: 'rolled back', says: ['rollback.started', undefined, /did not end/] },
    ...Object.fromEntries(
      [101, 255].map(code => [
        `exit ${code}`,
        {
          path: site.add(`exits-${code}`, exits(code)),
          outcome: 'rolled back',
          says: ['rollback.started', code, new RegExp(`exit code ${code}`)],
        } as const,
      ]),
    ),
    'kills its parent': {
      path: site.add('kills-parent', KILLS_PARENT),
      outcome: 'rolled back',
      says: ['rollback.started', undefined, /SIGKILL/],
    },
  }
  for (const [name, each] of Object.entries(cases)) await go(site, name, each)
})

test('nixos: while another switch holds the lock (11) it is tried again, for a while', async t => {
  const site = await begin(t, 'nixos')
  if (site === null) return
  const { stand } = site
  const lock = join(site.pointers()[1] ?? '', '../../run/nixos/switch-to-configuration.lock')
  const holder = spawn('flock', [lock, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = once(holder, 'exit')
  await once(holder.stdout, 'data')
  const order = site.deploy(site.two)
  await stand.wait('it is being activated', () => stand.of('switch.activating').length > 0)
  holder.stdin.end()
  await gone
  const { outcome } = await order
  assert.equal(outcome, 'committed')
  await atRest(site)
  assert.equal(await assertQuiet(site, 'locked for a while'), site.two)
  assert.match(readFileSync(join(lock, '../../../switches'), 'utf8'), /good-2 test 0\n/)
})

test('nixos: a boot loader that says no (1) holds, with the reason, and a rollback is still open', async t => {
  const site = await begin(t, 'nixos')
  if (site === null) return
  const { outcome, why } = await site.deploy(site.path('no-boot'))
  assert.equal(outcome, 'held', String(why))
  assert.match(String(why), /the boot loader says no/)
  const { targets } = await site.status()
  assert.equal(targets[0]?.state, 'held')
  assert.match(String(targets[0]?.why), /the boot loader says no/)
  assert.equal((await site.rollback(site.one)).outcome, 'rolled back')
  await atRest(site)
  assert.equal(await assertQuiet(site, 'rolled back by hand'), site.one)
})
