import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { BOT_CREDENTIALS } from '../../core/install/credentials.ts'
import { FILES } from '../../core/install/files.ts'
import { until } from '../until.ts'
import { listed } from './listed.ts'
import { INSTALLED, INSTALLED_NODE, type Machine, machineIsMissing, startMachine } from './machine.ts'
import type { Ran } from './run-inside.ts'

// kill -9 of `heald install` and `heald uninstall` at a call of systemd's tools, before it or behind it, and before a system
// call by which they write, name, remove or give away a file. Whatever it has left: the next install makes it whole, and the next
// uninstall leaves nothing.

const missing = machineIsMissing()
/** Kills of each of the two in each of the two ways, spread over all their calls. */
const KILLS = Number(process.env.HEALD_SOAK_INSTALL_KILLS ?? 2)
/** Calls of the kernel that may change a file or folder of an installation. */
const DEEDS = '/^(open|creat|write|pwrite|fsync|fdatasync|rename|unlink|mkdir|rmdir|chmod|fchmod|chown|fchown|lchown)'
const OURS = [
  ...FILES.flatMap(file => [file, `${file}.new`]),
  '/etc/sysusers.d',
  '/var/lib/heald',
  '/var/lib/heald-bot',
]
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

test('an installation, or its removal, that is killed half-way is ended whole by the next', {
  timeout: 240_000 + KILLS * 120_000,
}, async t => {
  if (missing !== null) return t.skip(missing)
  const site = await installSite(t)
  const { machine } = site
  const calls = { install: 0, uninstall: 0 }
  const deeds: Record<string, readonly Deed[]> = {}

  await t.test('what is missing is said, and nothing is written', async () => {
    site.configure({ browser: '/usr/bin/no-browser' })
    const { code, stderr } = await site.run('install')
    assert.notEqual(code, 0)
    assert.match(stderr, /no program \/usr\/bin\/no-browser\n.*channels\.whatsapp\.browser/)
    assert.deepEqual(site.left(), [])
  })

  await t.test('a session that the bot has kept is warned of', async () => {
    site.configure()
    const session = join(machine.root(), 'var/lib/heald-bot/whatsapp/session')
    mkdirSync(session, { recursive: true })
    const { code, stdout, stderr } = await site.run('install')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stderr, /\/var\/lib\/heald-bot\/whatsapp holds an old session of WhatsApp/)
    calls.install = site.calls()
    await site.isGone()
    calls.uninstall = site.calls()
    deeds.install = await site.deeds('install')
    deeds.uninstall = await site.deeds('uninstall')
    await site.isGone()
    t.diagnostic(`calls: ${JSON.stringify(calls)}, deeds: ${JSON.stringify(deeds, (_, deed) => deed.length ?? deed)}`)
  })

  for (const verb of ['install', 'uninstall'] as const) {
    await t.test(`${verb} is killed`, async () => {
      for (let n = 0; n < KILLS; n += 1) {
        const at = Math.max(1, Math.round(((n + 1) * calls[verb]) / KILLS) - 1)
        const isBefore = n % 2 === 1
        if (verb === 'uninstall') await site.isWhole()
        await site.kill(verb, at, isBefore)
        // Each of the two has to cope with what is left.
        if (!isBefore) await site.isWhole()
        await site.isGone()
        t.diagnostic(`${verb}: killed ${isBefore ? 'before' : 'after'} call ${at} of ${calls[verb]}`)
      }
    })
    await t.test(`${verb} is killed at what it does to files`, async () => {
      for (let n = 0; n < KILLS; n += 1) {
        const all = deeds[verb] ?? []
        const at = Math.round(((n + 1) * all.length) / KILLS) - 1
        const deed = all[at] ?? assert.fail(`${verb} does nothing`)
        if (verb === 'uninstall') await site.isWhole()
        await site.killAtDeed(verb, deed)
        if (n % 2 === 1) await site.isWhole()
        await site.isGone()
        t.diagnostic(`${verb}: killed before ${deed.name} ${deed.nth}, deed ${at + 1} of ${all.length}`)
      }
    })
  }
})

/** The `nth` call `name` of one thread. */
interface Deed {
  readonly name: string
  readonly nth: number
}

interface InstallSite {
  readonly machine: Machine
  /** `browser`: WhatsApp is a channel too, with this one. */
  configure(more?: { readonly browser?: string }): void
  run(...words: string[]): Promise<Ran>
  /** How many calls of systemd's tools the last run made. */
  calls(): number
  /** What a whole run does to files of an installation. */
  deeds(verb: string): Promise<readonly Deed[]>
  /** kill -9 of who does it, before it is done. */
  killAtDeed(verb: string, deed: Deed): Promise<void>
  kill(verb: string, at: number, isBefore: boolean): Promise<void>
  /** Installs, and looks whether all is there and runs. */
  isWhole(): Promise<void>
  /** Removes, and looks whether anything is left. */
  isGone(): Promise<void>
  left(): string[]
}

async function installSite(t: TestContext): Promise<InstallSite> {
  const machine = await startMachine(t)
  const at = (...path: string[]) => join(machine.root(), ...path)
  for (const folder of ['var/lib/heald', 'etc/heald']) rmSync(at(folder), { recursive: true, force: true })
  const before = listed(machine)
  const [bin, count] = [join(machine.shared, 'bin'), join(machine.shared, 'count')]
  mkdirSync(bin)
  writeFileSync(
    join(bin, 'systemctl'),
    `#!/bin/sh
n=$(($(cat ${count}) + 1)); echo "$n" > ${count}
export PATH=${PATH}
if [ "$n" = "$KILL_AT" ]; then
  [ "$KILL_BEFORE" = true ] || "\${0##*/}" "$@"
  kill -9 $PPID
  exit 1
fi
exec "\${0##*/}" "$@"
`,
    { mode: 0o755 },
  )
  for (const name of ['systemd-sysusers', 'userdel']) symlinkSync('systemctl', join(bin, name))
  const heald = (env: readonly string[], words: readonly string[], wrap: readonly string[] = []) => {
    writeFileSync(count, '0')
    const argv = [...wrap, INSTALLED_NODE, join(INSTALLED, 'heald.js'), ...words]
    // The shell stays, and tells of an end by a signal with an exit code.
    return machine.run('env', `PATH=${bin}:${PATH}`, ...env, 'sh', '-c', '"$@" || exit 1', 'sh', ...argv)
  }
  const trace = join(machine.shared, 'trace')
  /** One thread for files: each counts its own calls. */
  const traced = (verb: string, ...more: string[]) => {
    const wrap = [
      'strace',
      '-f',
      '-o',
      trace,
      '-e',
      'signal=none',
      '-e',
      `trace=${DEEDS}`,
      ...OURS.flatMap(path => ['-P', path]),
    ]
    return heald(['UV_THREADPOOL_SIZE=1'], [verb], [...wrap, ...more])
  }
  const left = () => listed(machine).filter(path => !before.includes(path))
  const site: InstallSite = {
    machine,
    left,
    configure({ browser } = {}) {
      const whatsapp = browser === undefined ? {} : { whatsapp: { chats: ['4915112345678@c.us'], browser } }
      const telegram = { token: { file: `${BOT_CREDENTIALS}telegram` }, chats: [-100], apiRoot: 'http://127.0.0.1:9' }
      mkdirSync(at('etc/heald/credentials'), { recursive: true })
      writeFileSync(at('etc/heald/credentials/telegram'), '123:token\n', { mode: 0o600 })
      const services = { worker: { run: ['sleep', '100003'] } }
      const settings = { host: 'machine', services, bot: { run: 'unit' }, channels: { telegram, ...whatsapp } }
      writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify(settings))
      before.push(...['etc/heald'].filter(path => !before.includes(path)))
    },
    run: (...words) => heald([], words),
    calls: () => Number(readFileSync(count, 'utf8')),
    async deeds(verb) {
      const { code, stderr } = await traced(verb)
      assert.equal(code, 0, stderr)
      const seen = new Map<string, number>()
      return [...readFileSync(trace, 'utf8').matchAll(/^(\d+) +([a-z0-9]+)\(/gm)].map(([, thread, name = '']) => {
        const key = `${thread} ${name}`
        seen.set(key, (seen.get(key) ?? 0) + 1)
        return { name, nth: seen.get(key) ?? 0 }
      })
    },
    async killAtDeed(verb, { name, nth }) {
      const { code, stdout } = await traced(verb, '-e', `inject=${name}:signal=SIGKILL:when=${nth}`)
      assert.notEqual(code, 0, `${verb} was killed at ${name} ${nth}: ${stdout}`)
      assert.match(readFileSync(trace, 'utf8'), new RegExp(`${name}\\(.*= \\?$`, 'm'))
    },
    async kill(verb, call, isBefore) {
      const { code } = await heald([`KILL_AT=${call}`, `KILL_BEFORE=${isBefore}`], [verb])
      assert.notEqual(code, 0, `${verb} was killed`)
      assert.equal(site.calls(), call)
    },
    async isWhole() {
      const { code, stdout, stderr } = await site.run('install')
      assert.equal(code, 0, stdout + stderr)
      const units = FILES.filter(file => existsSync(at(file)) && file.endsWith('.service'))
      const verified = await machine.run('systemd-analyze', 'verify', '--man=no', ...units)
      assert.equal(verified.code, 0, verified.stderr)
      assert.doesNotMatch(verified.stderr, /heald/)
      for (const unit of ['heald', 'heald-bot'])
        assert.equal((await machine.show(unit, 'ActiveState')).ActiveState, 'active', unit)
      assert.equal((await machine.run('systemctl', 'is-enabled', 'heald', 'heald-bot', 'heald-recover')).code, 0)
      const isReady = async () => /worker +● ready/.test((await site.run('status')).stdout)
      await until('the service to be ready', isReady, 30_000, 200)
    },
    async isGone() {
      const { code, stdout, stderr } = await site.run('uninstall')
      assert.equal(code, 0, stdout + stderr)
      // What it keeps is root's before its user is removed.
      for (const folder of ['var/lib/heald', 'var/lib/heald-bot']) {
        if (!existsSync(at(folder))) continue
        assert.equal((await machine.must('stat', '-c', '%a %u', `/${folder}`)).trim(), '700 0', folder)
        rmSync(at(folder), { recursive: true })
      }
      assert.deepEqual(left(), [])
      assert.notEqual((await machine.run('getent', 'passwd', 'heald-bot')).code, 0, 'its user is gone')
      const units = await machine.must('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'heald*')
      assert.equal(units, '')
      // What a killed removal has left of services, heald's group tells (and this one does).
      await machine.run('pkill', '-KILL', '-f', '^sleep 100003')
    },
  }
  return site
}
