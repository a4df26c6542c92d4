import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { subcommands } from '../../../core/cli/commands.ts'
import { complete } from '../../../core/cli/completion.ts'
import { bashScript } from '../../../core/cli/completion-bash.ts'
import { usageOf } from '../../../core/cli/usage.ts'
import { has } from '../../adapters/host/nix-stand.ts'
import { until } from '../../until.ts'
import { stand, temporaryFolder } from '../api/stand.ts'
import { paperContext } from './context.ts'

const HEALD = join(import.meta.dirname, '../../../heald.js')
const unread = () => assert.fail('only names are read')
const table = subcommands({ up: unread, bot: unread, whatsapp: unread, fakes: unread, doctor: unread, init: unread })

/** What is typed before the Tab key, and what the last word becomes. STATE is where a daemon answers. */
const TYPED: readonly (readonly [before: string, last: string])[] = [
  ['heald stat', 'status'],
  ['heald ledger ver', 'verify'],
  ['heald up --on', '--once'],
  ['heald --js', '--json'],
  ['heald incident --report ht', 'html'],
  ['heald completion fi', 'fish'],
  ['heald help roll', 'rollback'],
  ['heald --state STATE restart ag', 'agent'],
  ['heald stop --state STATE ag', 'agent'],
  ['heald --state STATE ack agent-', 'agent-41'],
  ['heald --state STATE unsilence si', 'silence-1'],
  ['heald config check --config /etc/hostn', '/etc/hostname'],
  ['heald config check /etc/hostn', '/etc/hostname'],
  ['heald init /etc/hostn', '/etc/hostname'],
  ['heald ledger export /et', '/etc/'],
  ['heald --state /et', '/etc/'],
]

async function scriptFor(shell: string): Promise<string> {
  const { context, out } = paperContext()
  assert.equal(await complete(context, [shell], table), 0)
  return out()
}

/** A daemon that answers, a `heald` on the PATH, and the script in a file. */
async function shellStand(t: TestContext, shell: string) {
  const { state } = await stand(t)
  const folder = temporaryFolder(t)
  const script = join(folder, '_heald')
  writeFileSync(script, await scriptFor(shell))
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/heald'), `#!/bin/sh\nexec '${process.execPath}' '${HEALD}' "$@"\n`)
  chmodSync(join(folder, 'bin/heald'), 0o755)
  const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, HOME: folder, TERM: 'xterm', LANG: 'C.UTF-8' }
  return { script, env, lines: TYPED.map(([before, last]) => [before.replace('STATE', state), last] as const) }
}

/** Types each line into an interactive shell, as a person would, and looks at what stands there after Tab. */
async function typesInto(t: TestContext, shell: 'bash' | 'zsh', argv: string[], prepare: (script: string) => string[]) {
  const name = `heald-${process.pid}-${shell}-${Math.random()}`
  t.after(() => void execFileSync('tmux', ['-L', name, 'kill-server'], { stdio: 'ignore' }))
  const { script, env, lines } = await shellStand(t, shell)
  const tmux = (...words: string[]) => execFileSync('tmux', ['-L', name, ...words], { env, encoding: 'utf8' })
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', '200', '-y', '50', ...argv)
  const lastLine = () => tmux('capture-pane', '-p').trimEnd().split('\n').at(-1) ?? ''
  for (const line of prepare(script)) tmux('send-keys', line, 'Enter')
  await until(`${shell} is ready`, () => lastLine() === '>')
  for (const [before, last] of lines) {
    tmux('send-keys', '-l', before)
    await until(`it stands there: ${before}`, () => lastLine().endsWith(before))
    tmux('send-keys', 'Tab')
    const wanted = `> ${before.slice(0, before.lastIndexOf(' ') + 1)}${last}`
    await until(`"${before}" becomes "${wanted}" in ${shell}`, () => lastLine() === wanted)
    tmux('send-keys', 'C-c')
    await until('the prompt is back', () => lastLine() === '>')
  }
}

test('bash completes what is typed', async t => {
  if (!has('bash') || !has('tmux')) return t.skip('needs bash and tmux')
  await typesInto(t, 'bash', ['bash', '--norc', '--noprofile'], script => ["PS1='> '", `source ${script}`, 'clear'])
})

test('zsh completes what is typed', async t => {
  if (!has('zsh') || !has('tmux')) return t.skip('needs zsh and tmux')
  const load = 'autoload -U compinit && compinit -u -D'
  await typesInto(t, 'zsh', ['zsh', '-f'], script => ["PS1='> '; PROMPT_SP=", load, `source ${script}`, 'clear'])
})

test('zsh takes the script from a folder of functions', async t => {
  if (!has('zsh') || !has('tmux')) return t.skip('needs zsh and tmux')
  const load = (script: string) => `fpath=(${join(script, '..')} $fpath); autoload -U compinit && compinit -u -D`
  await typesInto(t, 'zsh', ['zsh', '-f'], script => ["PS1='> '; PROMPT_SP=", load(script), 'clear'])
})

test('fish proposes it', async t => {
  if (!has('fish')) return t.skip('needs fish')
  const { script, env, lines } = await shellStand(t, 'fish')
  for (const [before, last] of lines) {
    const command = `source '${script}'; complete -C '${before}'`
    const { stdout } = await promisify(execFile)('fish', ['--no-config', '-c', command], { env, timeout: 60_000 })
    const proposed = stdout.split('\n').map(line => line.split('\t')[0])
    assert.ok(proposed.includes(last), `${before}: ${stdout}`)
    assert.ok(!proposed.includes('doctor'), `only what fits: ${before}: ${stdout}`)
  }
})

test('each script knows every subcommand and every option', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = await scriptFor(shell)
    for (const { name, options } of table) {
      const flags = Object.keys(options).map(option => (shell === 'fish' ? `-l ${option}` : `--${option}`))
      for (const word of [name, ...flags]) assert.ok(script.includes(word), `${word} in ${shell}`)
    }
  }
})

test('names are proposed from the daemon that runs; without one there are none, and no word about it', async t => {
  const { socket } = await stand(t)
  const known = paperContext({ socket })
  assert.equal(await complete(known.context, ['names', 'services'], table), 0)
  assert.equal(known.out(), 'agent\ndb\n')
  const none = paperContext()
  assert.equal(await complete(none.context, ['names', 'services'], table), 0)
  assert.deepEqual([none.out(), none.err()], ['', ''])
  await assert.rejects(complete(none.context, ['tcsh'], table), /takes the name of a shell: bash, zsh or fish/)
  await assert.rejects(complete(none.context, [], table), /takes the name of a shell/)
})

test('a usage line is read as people read it', () => {
  const options = { to: { type: 'string' }, force: { type: 'boolean' }, report: { type: 'string' } } as const
  const read = usageOf({
    usage: 'list [FILTERS] | show SEQ | export DIR [--to FILE] [--report md|html] [--force]',
    options,
  })
  assert.deepEqual(Object.fromEntries(read.verbs), {
    list: { kind: 'FILTERS' },
    show: { kind: 'SEQ' },
    export: { kind: 'DIR' },
  })
  assert.deepEqual(Object.fromEntries(read.options), {
    '--to': { kind: 'FILE' },
    '--force': null,
    '--report': { choices: ['md', 'html'] },
  })
  assert.equal(read.first, null)
  assert.deepEqual(usageOf({ usage: '[TARGET]', options: {} }).first, { kind: 'TARGET' })
  assert.deepEqual(usageOf({ usage: 'bash|zsh', options: {} }).first, { choices: ['bash', 'zsh'] })
  assert.equal(usageOf({ usage: '', options: {} }).first, null)
})

test('where an id is wanted, ids of that kind are proposed', () => {
  const script = bashScript(table)
  for (const [command, kind] of Object.entries({
    ack: 'incidents',
    unsilence: 'silences',
    approve: 'commands',
    deny: 'commands',
  })) {
    assert.ok(script.includes(`'${command} ') _heald_offer < <(_heald_names ${kind}) ;;`), command)
  }
})
