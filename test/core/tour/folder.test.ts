import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createProcessHost } from '../../../adapters/host/process.ts'
import { openTarget } from '../../../adapters/host/targets.ts'
import { checkConfig } from '../../../core/config/load.ts'
import type { TargetSpec } from '../../../core/config/spec.ts'
import { Fault } from '../../../core/fault.ts'
import { takeLock } from '../../../core/ledger/lock.ts'
import { placeOf } from '../../../core/safeswitch/memory.ts'
import { freshFolder } from '../../../core/tour/folder.ts'
import { writeConfig } from '../../../core/tour/plan.ts'
import { writeSite } from '../../../core/tour/release.ts'
import { killQuietly } from '../../journeys/leftovers.ts'

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'heald-tour-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const noHost = () => assert.fail('nothing was left running, so no host is needed')
const refused = (error: unknown) => error instanceof Fault && error.code === 'tour.refused'

test('the folder is made with a configuration that passes the check', async t => {
  const dir = join(temporary(t), 'state', 'tour')
  const plan = await freshFolder(dir, noHost)
  const { config, problems } = await checkConfig(plan.config, { warn: true })
  assert.deepEqual(problems, undefined)
  assert.deepEqual(
    config?.services.map(service => service.name),
    ['agent'],
  )
  assert.equal(statSync(dir).mode & 0o77, 0, 'nobody else looks inside')
  assert.deepEqual(JSON.parse(readFileSync(plan.settings, 'utf8')), { greeting: 'hello' })
})

test('the files of an earlier tour go, its lock stays the same file, and what else is there is left alone', async t => {
  const dir = join(temporary(t), 'tour')
  await freshFolder(dir, noHost)
  const lock = statSync(join(dir, 'ledger', 'lock')).ino
  for (const folder of ['logs', 'run', 'ledger/seg']) {
    mkdirSync(join(dir, folder), { recursive: true })
    writeFileSync(join(dir, folder, 'old'), 'old')
  }
  writeFileSync(join(dir, 'notes'), 'a visitor’s own')
  await freshFolder(dir, noHost)
  assert.deepEqual(readdirSync(join(dir, 'ledger')), ['lock'])
  assert.equal(statSync(join(dir, 'ledger', 'lock')).ino, lock)
  assert.deepEqual(readdirSync(dir).sort(), ['heald-tour.txt', 'heald.yaml', 'ledger', 'notes', 'settings.json'])
})

test('a folder that no tour made is refused and left as it is', async t => {
  const root = temporary(t)
  const precious = join(root, 'precious')
  mkdirSync(join(precious, 'logs'), { recursive: true })
  writeFileSync(join(precious, 'logs', 'kept'), 'kept')
  await assert.rejects(freshFolder(precious, noHost), refused)
  assert.deepEqual(readdirSync(precious), ['logs'])
  assert.ok(existsSync(join(precious, 'logs', 'kept')))

  // Not even by a detour.
  symlinkSync(precious, join(root, 'tour'))
  await assert.rejects(freshFolder(join(root, 'tour'), noHost), refused)
  assert.deepEqual(readdirSync(precious), ['logs'])
})

test('a link in the folder’s place is refused, wherever it leads', async t => {
  const root = temporary(t)
  await freshFolder(join(root, 'elsewhere'), noHost)
  symlinkSync(join(root, 'elsewhere'), join(root, 'tour'))
  await assert.rejects(freshFolder(join(root, 'tour'), noHost), refused)
})

test('a link inside is removed, not followed', async t => {
  const root = temporary(t)
  const dir = join(root, 'tour')
  await freshFolder(dir, noHost)
  writeFileSync(join(root, 'kept'), 'kept')
  symlinkSync(root, join(dir, 'logs'))
  await freshFolder(dir, noHost)
  assert.equal(readFileSync(join(root, 'kept'), 'utf8'), 'kept')
  assert.ok(!existsSync(join(dir, 'logs')))
})

test('what was left running is ended before anything of it is removed: an agent, and the dead-man of a switch', async t => {
  const dir = join(temporary(t), 'tour')
  const plan = await freshFolder(dir, noHost)
  const processes = createProcessHost({ state: dir, warn: text => assert.fail(text) })
  const openHost = async () => ({ processes, openTarget: (spec: TargetSpec) => openTarget(dir, spec, placeOf(spec)) })
  plan.ports.set('web', plan.port)
  writeConfig(plan)
  writeSite(plan.site)
  const { services, targets } = (await checkConfig(plan.config)).config ?? assert.fail()
  const [spec, target] = [services[0] ?? assert.fail(), targets[0] ?? assert.fail()]
  const seat = await processes.seat(spec, () => {})
  const { pid } = seat.start()
  t.after(() => killQuietly(pid))
  const answers = async () => (await fetch(`${plan.url}/healthz`).catch(() => null))?.ok === true
  for (let tries = 0; tries < 500 && !(await answers()); tries += 1) await sleep(20)
  assert.ok(await answers())
  seat.release()
  await (await openTarget(dir, target, placeOf(target))).deadMan.arm(
    { generation: 'r1', path: join(plan.site, 'releases/r1') },
    60_000,
  )
  const deadMen = () =>
    readdirSync('/proc').filter(entry => {
      try {
        const words = readFileSync(`/proc/${Number(entry)}/cmdline`, 'utf8')
        return words.includes('heald-deadman') && words.includes(dir)
      } catch {
        return false
      }
    })
  t.after(() => deadMen().forEach(found => void killQuietly(Number(found))))
  assert.equal(deadMen().length, 1)

  const fresh = await freshFolder(dir, openHost)
  assert.ok(!(await answers()), 'it has ended')
  for (let tries = 0; tries < 100 && deadMen().length > 0; tries += 1) await sleep(20)
  assert.deepEqual(deadMen(), [])
  assert.ok(!existsSync(join(dir, 'run')) && !existsSync(plan.site) && existsSync(fresh.config))
})

test('a Nix store is removed, whose folders nobody may write in', async t => {
  const dir = join(temporary(t), 'tour')
  const { nix } = await freshFolder(dir, noHost)
  const [stored, outside] = [join(nix.dir, 'store/hash-agent'), join(dir, '..', 'outside')]
  mkdirSync(stored, { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(stored, 'file'), '')
  symlinkSync(outside, join(stored, 'link'))
  for (const folder of [stored, outside]) chmodSync(folder, 0o555)
  await freshFolder(dir, noHost)
  assert.ok(!existsSync(nix.dir))
  assert.equal(statSync(outside).mode & 0o777, 0o555, 'nothing is done behind a link')
})

test('while its ledger is being written, the folder is refused and nothing is removed', async t => {
  const dir = join(temporary(t), 'tour')
  const plan = await freshFolder(dir, noHost)
  const lock = await takeLock(join(dir, 'ledger'))
  t.after(() => lock.release())
  const before = readFileSync(plan.config, 'utf8')
  await assert.rejects(
    freshFolder(dir, noHost),
    (error: unknown) =>
      refused(error) && error instanceof Fault && /another tour/.test(error.message) && /down/.test(error.hint ?? ''),
  )
  assert.equal(readFileSync(plan.config, 'utf8'), before)
})
