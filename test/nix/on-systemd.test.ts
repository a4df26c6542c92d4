import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { before, type TestContext, test } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import { install, pack } from '../package/installed.ts'
import { type Machine, machineIsMissing, startMachine } from '../systemd/machine.ts'
import { PACKED_FRONT, PACKED_NODE, putPacked } from '../systemd/packed-inside.ts'
import { until } from '../until.ts'
import { evaluator, nixIsMissing, ROOT } from './evaluate.ts'
import { type SocketUnit, socketFile, type Unit, unitFile } from './unit-file.ts'

// The units that the module makes, on a real systemd, and in it the very tests that nixpkgs would run in a virtual
// machine. What NixOS does with a configuration is done by hand: files, users, folders, units. What `rollback` switches
// are small systems of a real Nix.

interface Wanted {
  readonly script: string
  readonly file: string
  readonly units: Readonly<Record<string, Unit>>
  readonly sockets: Readonly<Record<string, SocketUnit>>
  readonly users: readonly string[]
  readonly rules: readonly string[]
}

const WANTED = `(machine: testScript: {
  script = testScript;
  file = machine.environment.etc."heald/heald.yaml".source.text;
  units = machine.systemd.services;
  sockets = machine.systemd.sockets;
  users = builtins.attrNames machine.users.users;
  rules = machine.systemd.tmpfiles.rules;
})`
const OF_TEST = `let
  all = import (root + "/nix/tests") { inherit pkgs; module = root + "/nix/module.nix"; };
  inherit (all.\${input}) machine testScript;
in ${WANTED} machine testScript`

let packed: ReturnType<typeof install>
before(t => {
  if ((nixIsMissing() ?? machineIsMissing()) === null)
    packed = install(t as TestContext, pack(t as TestContext).tarball)
})

async function installed(
  t: TestContext,
  wanted: Wanted,
  secrets: Readonly<Record<string, string>> = {},
): Promise<Machine> {
  const machine = await startMachine(t)
  const put = (path: string, content: string, mode = 0o644) => {
    const file = join(machine.root(), path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content, { mode })
  }
  putPacked(machine, packed.folder)
  put('usr/local/bin/heald', `#!/bin/sh\nexec ${PACKED_NODE} ${PACKED_FRONT} "$@"\n`, 0o755)
  const child = PACKED_FRONT.replace(/heald\.js$/, 'dist/adapters/chat/whatsapp-child.js')
  put('usr/local/bin/heald-whatsapp', `#!/bin/sh\nexec ${PACKED_NODE} ${child} "$@"\n`, 0o755)
  put('etc/heald/heald.yaml', wanted.file)
  for (const [path, secret] of Object.entries(secrets)) put(path, secret, 0o400)
  put('etc/tmpfiles.d/site.conf', `${wanted.rules.join('\n')}\n`)
  await machine.must('systemd-tmpfiles', '--create', '/etc/tmpfiles.d/site.conf')
  for (const user of wanted.users) await machine.must('useradd', '--system', '--user-group', user)
  if (wanted.file.includes('"nixos"')) await machine.must('sh', join(ROOT, 'test/fixtures/builds-a-host.sh'))
  const here = (file: string) =>
    file
      .replaceAll(/\/nix\/store\/[\w-]+\/bin\/heald/g, '/usr/local/bin/heald')
      .replaceAll(/\/nix\/store\/[\w-]+\/libexec\/heald-whatsapp/g, '/usr/local/bin/heald-whatsapp')
      .replaceAll(/\/nix\/store\/[\w-]+\/bin\/sh/g, '/bin/sh')
  const files = Object.entries(wanted.units).map(([name, unit]) => [
    `${name}.service`,
    here(unitFile(unit, '/usr/local/bin:/usr/bin:/bin')),
  ])
  const sockets = Object.entries(wanted.sockets).map(([name, socket]) => [`${name}.socket`, socketFile(socket)])
  await machine.units(Object.fromEntries([...files, ...sockets]))
  const atBoot = Object.entries(wanted.units).filter(([, { wantedBy }]) => wantedBy.length > 0)
  await machine.must('systemctl', 'start', ...sockets.map(([name = '']) => name), ...atBoot.map(([name]) => name))
  return machine
}

for (const name of ['crash', 'tamper', 'rollback', 'dead-man']) {
  test(`${name}: what a virtual machine of NixOS would show`, { timeout: 600_000 }, async t => {
    const missing = nixIsMissing() ?? machineIsMissing()
    if (missing !== null) return t.skip(missing)
    const wanted = evaluator(t).evaluate<Wanted>(OF_TEST, name)
    const machine = await installed(t, wanted)
    const driver = join(ROOT, 'test/fixtures/drives-machine.py')
    const child = spawn('python3', [driver, String(machine.leader())], { stdio: ['pipe', 'pipe', 'pipe'] })
    t.after(() => child.kill('SIGKILL'))
    child.stdin.end(wanted.script)
    const [out, err, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise(resolve => child.once('close', resolve)),
    ])
    for (const line of out.split('\n').filter(Boolean)) t.diagnostic(line)
    if (code !== 0) {
      const journal = await machine.run('journalctl', '--no-pager', '-n', '60')
      assert.fail(`${err}\n${journal.stdout}`)
    }
  })
}

test('a secret that only root may read reaches the bot, which has no rights, and nobody else', async t => {
  const missing = nixIsMissing() ?? machineIsMissing()
  if (missing !== null) return t.skip(missing)
  const settings = {
    channels: {
      telegram: { token: { file: '/etc/secrets/telegram' }, chats: [1], apiRoot: 'http://127.0.0.1:9' },
      whatsapp: { chats: '4915112345678@c.us', browser: '/usr/bin/true' },
    },
  }
  const wanted = evaluator(t).evaluate<Wanted>(
    `${WANTED} (small.evaluate [ (root + "/nix/module.nix") { services.heald = { enable = true; settings = input; }; } ]) ""`,
    settings,
  )
  const secret = '123456:this-is-not-a-token-of-anybody-0000'
  const machine = await installed(t, wanted, { 'etc/secrets/telegram': secret })
  const why = async (channel = 'telegram') => {
    // Until it answers, the document says so, and has no channels.
    const { stdout } = await machine.run('heald', 'status', '--json')
    return (JSON.parse(stdout) as Partial<Status>).channels?.find(({ name }) => name === channel)?.why ?? ''
  }
  // By its socket, of which systemd makes a unit for it.
  const isAsked = async () => /no WhatsApp device is linked/.test(await why('whatsapp'))
  await until('the unit of WhatsApp to have answered the bot', isAsked, 60_000, 200).catch(async error => {
    throw new Error(
      `${error}\n${await why('whatsapp')}\n${(await machine.run('journalctl', '--no-pager', '-n', '40')).stdout}`,
    )
  })
  // What it then does with it is told by the fake platforms; here nobody answers.
  await until('the bot tries it', async () => /ECONNREFUSED|can't be reached/.test(await why()))
  const { MainPID = '' } = await machine.show('heald-bot.service', 'MainPID')
  assert.match(await machine.must('cat', `/proc/${MainPID}/status`), /^Uid:\t(?!0\t)\d+/m)
  for (const file of ['environ', 'cmdline']) {
    assert.doesNotMatch(await machine.must('cat', `/proc/${MainPID}/${file}`), /this-is-not-a-token/)
  }
  const { code } = await machine.run(
    'runuser',
    '-u',
    'nobody',
    '--',
    'cat',
    '/run/credentials/heald-bot.service/telegram-token',
  )
  assert.notEqual(code, 0)
})
