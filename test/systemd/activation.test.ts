import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Activation } from '../../core/safeswitch/target.ts'
import { makeReleases } from '../adapters/host/releases-stand.ts'
import { until } from '../until.ts'
import { machineIsMissing, ROOT, startMachine } from './machine.ts'

const missing = machineIsMissing()
/** With all that a shell could stumble over. */
const SECRET = 'very " secret\\ $HOME `id` it\'s\nsecond line'

test('an activation is a unit of its own where systemd runs', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const out = (name: string) => join(machine.shared, name)
  const said = (name: string) => (existsSync(out(name)) ? readFileSync(out(name), 'utf8').trim() : '')
  const path = makeReleases(out('app'), 2)
  /** Runs it inside as heald would, from a folder that heald may write to. */
  const activate = async (script: string, { deadlineMs = 20_000, account = 'null', env = {} } = {}) => {
    const go = join(path, 'releases/2/go')
    writeFileSync(go, `#!/bin/sh\n${script.replaceAll('OUT', machine.shared)}\n`, { mode: 0o755 })
    return (await ask('runActivation', { deadlineMs, account, env })) ?? assert.fail()
  }
  const ask = async (what: string, { argv = ['./go'], deadlineMs = 20_000, account = 'null', env = {} } = {}) => {
    const generation = { generation: '2', path: join(path, 'releases/2'), createdMs: 0 }
    const plan = { target: 'app', path, argv, generation, deadlineMs, env }
    const code = `import { runActivation, takeUpActivation } from '${join(ROOT, 'adapters/host/activation.ts')}'
      import { findAccount } from '${join(ROOT, 'adapters/host/account.ts')}'
      import { writeFileSync } from 'node:fs'
      writeFileSync('${out('asker')}', String(process.pid))
      const account = ${account === 'null' ? 'null' : `await findAccount('${account}')`}
      console.log(JSON.stringify(await ${what}({ ...${JSON.stringify(plan)}, account })))`
    return JSON.parse(
      await machine.must(process.execPath, '--input-type=module-typescript', '-e', code),
    ) as Activation | null
  }
  const units = () => machine.must('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'heald-switch-*')
  const nothingLeft = async () => {
    assert.equal(await units(), '', 'no unit is left')
    const left = readdirSync(join(machine.root(), 'run')).filter(name => name.startsWith('heald-switch-'))
    assert.deepEqual(left, [], 'nor what it was given')
  }

  await t.test('how it ended and what it said last are carried over', async () => {
    const cases = [
      ['exit 0', { verdict: 'done', exitCode: 0, why: '' }],
      ['exit 3', { verdict: 'failed', exitCode: 3, why: './go ended with exit code 3' }],
      ['echo one > /dev/stderr; exit 100', { exitCode: 100, why: './go ended with exit code 100: one' }],
      ['exit 255', { exitCode: 255, why: './go ended with exit code 255' }],
      ['systemctl daemon-reload; exit 6', { exitCode: 6, why: './go ended with exit code 6' }],
      ['kill -SEGV $$', { exitCode: null, why: './go was ended by SIGSEGV' }],
      [
        'yes 2> /dev/null | head -c 50000000; echo last; exit 1',
        { exitCode: 1, why: './go ended with exit code 1: last' },
      ],
    ] as const
    for (const [script, wanted] of cases) {
      const { verdict, exitCode, why } = await activate(script)
      assert.deepEqual({ verdict, exitCode, why }, { verdict: 'failed', ...wanted }, script)
      await nothingLeft()
    }
  })

  await t.test('it is the owner of the releases, and gets its environment without anybody reading it', async () => {
    const script = `{ id -un; printf '%s\\n' "$SECRET" "$HEALD_TARGET"; } > OUT/got; echo > OUT/there
      while [ ! -e OUT/seen ]; do sleep 0.1; done; echo mine > /dev/stderr; exit 5`
    await machine.must('chmod', '777', machine.shared)
    const run = activate(script, { account: 'nobody', env: { SECRET } })
    await until('it to run', () => existsSync(out('there')))
    const shown = await machine.must('systemctl', 'show', 'heald-switch-*')
    assert.match(shown, /ActiveState=activating/)
    // What asked for it here has it in its own arguments.
    const all = await machine.must(
      'sh',
      '-c',
      'cat $(grep -L runActivation /proc/[0-9]*/cmdline) /run/systemd/transient/*',
    )
    writeFileSync(out('seen'), '')
    assert.match(all, /HEALD_ACTIVATION=/)
    for (const text of [shown, all]) assert.ok(!text.includes('very " secret'))
    assert.equal((await run).why, './go ended with exit code 5: mine')
    assert.equal(said('got'), `nobody\n${SECRET}\napp`)
  })

  await t.test('at its deadline all of it is killed', async () => {
    const script = 'setsid sh -c "echo \\$\\$ > OUT/far; exec sleep 1000" & (trap "" TERM; sleep 1001) & sleep 1002'
    const { why, exitCode } = await activate(script, { deadlineMs: 1500 })
    assert.deepEqual([why, exitCode], ['./go did not end within 1500 ms', null])
    assert.notEqual((await machine.run('pgrep', '-f', 'sleep 100[012]')).code, 0)
    assert.match(said('far'), /^\d+$/)
    await nothingLeft()
  })

  await t.test('one that kills what runs it does not go on', async () => {
    const { why, exitCode } = await activate('kill -KILL $PPID; exec sleep 1003')
    assert.deepEqual([why, exitCode], ['./go was ended by SIGKILL', null])
    assert.notEqual((await machine.run('pgrep', '-f', 'sleep 1003')).code, 0)
    await nothingLeft()
  })

  await t.test('what it leaves running goes on, also through the next one', async () => {
    await activate(
      'sh -c "echo \\$\\$ > OUT/service; exec sleep 1004" & while [ ! -s OUT/service ]; do sleep 0.01; done',
    )
    await activate('exit 0')
    assert.equal((await machine.run('kill', said('service'))).code, 0)
    await until('systemd to forget it', async () => (await units()) === '')
  })

  await t.test('one whose heald was killed is taken up by the next, while it runs and when it has ended', async () => {
    for (const isOver of [false, true]) {
      const killed = assert.rejects(
        activate('echo > OUT/began; while [ ! -e OUT/go-on ]; do sleep 0.05; done; echo so far; exit 4'),
      )
      await until('it to run', () => existsSync(out('began')))
      await machine.must('kill', '-9', said('asker'))
      await killed
      assert.equal(await ask('takeUpActivation', { argv: ['./other'] }), null, 'another command')
      const next = isOver ? null : ask('takeUpActivation')
      writeFileSync(out('go-on'), '')
      if (isOver) await until('it to have ended', async () => (await units()) === '')
      const { verdict, exitCode, why } = (await (next ?? ask('takeUpActivation'))) ?? assert.fail('it is not found')
      assert.deepEqual([verdict, exitCode, why], ['failed', 4, './go ended with exit code 4: so far'])
      await nothingLeft()
      assert.equal(await ask('takeUpActivation'), null, 'it is taken up once')
      await machine.must('rm', out('began'), out('go-on'))
    }
  })

  await t.test('where systemd does not take the order it runs all the same', async () => {
    writeFileSync(join(machine.root(), 'usr/local/bin/systemd-run'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    await activate('cat /proc/self/cgroup > OUT/group')
    assert.doesNotMatch(said('group'), /heald-switch/)
    await machine.must('rm', '/usr/local/bin/systemd-run')
    await activate('cat /proc/self/cgroup > OUT/group')
    assert.match(said('group'), /system.slice\/heald-switch-app-/)
  })

  await t.test('an order that can not be taken back is not followed by a second run', async () => {
    // It says no, and a unit of that name is there all the same, for ever.
    const script = `#!/bin/sh
for word; do case $word in --unit=*) : > "/run/systemd/transient/\${word#--unit=}.service" ;; esac; done
exit 1
`
    writeFileSync(join(machine.root(), 'usr/local/bin/systemd-run'), script, { mode: 0o755 })
    await assert.rejects(activate('echo > OUT/second'), /an earlier activation .* can not be killed/)
    assert.ok(!existsSync(out('second')))
  })
})
