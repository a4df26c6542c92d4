import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../until.ts'
import { INSTALLED, INSTALLED_NODE, machineIsMissing, startMachine } from './machine.ts'

// What people have who configure little: the bot is a child of heald's, and the token is in a file.

const missing = machineIsMissing()
const PORT = 8125
const CHAT = `
import { createServer } from 'node:http'
import { appendFileSync } from 'node:fs'
createServer((request, response) => {
  request.on('data', more => appendFileSync(process.argv[2], request.url + ' ' + more + '\\n'))
  request.on('end', () => response.end('{"ok":true}'))
}).listen(${PORT}, '127.0.0.1')
`

test('heald with its bot as a child: who is told when it stays down', {
  timeout: 360_000,
}, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const at = (...path: string[]) => join(machine.root(), ...path)
  const heald = (...words: string[]) => machine.run(INSTALLED_NODE, join(INSTALLED, 'heald.js'), ...words)
  const told = join(machine.shared, 'told')
  const configure = (token: object) =>
    writeFileSync(
      at('etc/heald/heald.yaml'),
      JSON.stringify({
        host: 'machine',
        services: { worker: { run: ['sleep', '100004'] } },
        channels: { telegram: { token, chats: [-100], apiRoot: `http://127.0.0.1:${PORT}` } },
      }),
    )
  mkdirSync(at('etc/heald'), { recursive: true })
  writeFileSync(at('etc/heald/token'), '123:token\n', { mode: 0o600 })
  writeFileSync(join(machine.shared, 'chat.mjs'), CHAT)
  await machine.units({
    'chat.service': `[Service]\nExecStart=${process.execPath} ${join(machine.shared, 'chat.mjs')} ${told}\n`,
  })

  await t.test('where no chat can be told without heald, it says so', async () => {
    configure({ env: 'TOKEN' })
    const { stdout } = await heald('install')
    assert.match(stdout, /Nobody is told when heald itself stays down: that takes .* in a file/)
    assert.ok(!existsSync(at('etc/systemd/system/heald-failed.service')))
  })

  await t.test('with the token in a file, a chat is told', async () => {
    configure({ file: '/etc/heald/token' })
    const { code, stdout, stderr } = await heald('install')
    assert.equal(code, 0, stdout + stderr)
    assert.doesNotMatch(stdout, /Nobody is told/)
    assert.equal((await machine.show('heald', 'OnFailure')).OnFailure, 'heald-again.service')
    await machine.must('systemctl', 'start', 'chat', 'heald-failed')
    const words = /\/bot123:token\/sendMessage .*machine: heald is down, and systemd has given up starting it/
    await until('the chat to be told', () => existsSync(told) && words.test(readFileSync(told, 'utf8')))
  })

  await t.test('where the one that tells could not see heald, it is not there, and heald says so', async () => {
    mkdirSync(at('home/alice/heald'), { recursive: true })
    await machine.must('mount', '--bind', INSTALLED, '/home/alice/heald')
    const { code, stdout, stderr } = await machine.run(INSTALLED_NODE, '/home/alice/heald/heald.js', 'install')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /Nobody is told when heald itself stays down: .* outside of home folders/)
    assert.equal((await machine.show('heald', 'OnFailure')).OnFailure, '')
    assert.ok(!existsSync(at('etc/systemd/system/heald-failed.service')))
  })
})
