import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { run } from '../../../core/cli/ledger.ts'
import type { Verdict } from '../../../core/ledger/verify.ts'
import { until } from '../../until.ts'
import { manySegments } from '../ledger/many-segments.ts'
import { folder, ROOT } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

/** A state folder with a ledger, its newest checkpoint, and a folder for what is given. */
async function site(t: TestContext) {
  const dir = await manySegments(t, 1)
  const { context, out } = paperContext({ state: dirname(dir) })
  assert.equal(await run(context, ['checkpoint'], {}), 0)
  return { state: dirname(dir), note: out(), at: folder(t) }
}

/** `heald ledger verify …` in a shell, in which `$FILE` is what is given. */
function inShell(state: string, file: string, words: string) {
  const command = `exec "$NODE" "$HEALD" ledger verify --state "$STATE" --json ${words}`
  const env = { ...process.env, NODE: process.execPath, HEALD: join(ROOT, 'heald.js'), STATE: state, FILE: file }
  return spawn('bash', ['-c', command], { env, timeout: 60_000, killSignal: 'SIGKILL' })
}

test('a checkpoint is taken as check takes it: with the line ends of Windows, without the last one, quoted', async t => {
  const { state, note, at } = await site(t)
  const path = join(at, 'kept')
  for (const [what, kept] of [
    ['as it was', note],
    ['Windows', note.replaceAll('\n', '\r\n')],
    ['no last line end', note.trimEnd()],
    ['quoted', note.replaceAll(/^/gm, '> ')],
    ['two, and a word', `From Jane:\n${note}\n${note}`],
  ] as const) {
    writeFileSync(path, kept)
    const { context, out } = paperContext({ state, json: true })
    assert.equal(await run(context, ['verify'], { checkpoint: [path] }), 0, `${what}: ${out()}`)
    assert.equal((JSON.parse(out()) as Verdict).trusted, 'checkpoint', what)
  }
  const [root = ''] = /^.{43}=$/m.exec(note) ?? []
  writeFileSync(path, note.replace(root, `A${root.slice(1)}`).replaceAll('\n', '\r\n'))
  assert.equal(await run(paperContext({ state }).context, ['verify'], { checkpoint: [path] }), 1)
})

test('what holds no checkpoint, or is no file, is wrong use', async t => {
  const { state, at } = await site(t)
  const path = join(at, 'none')
  writeFileSync(path, 'no checkpoint\n')
  for (const [given, message] of [
    [path, `--checkpoint ${path}: there is no checkpoint in it`],
    [at, `${at} can't be read: it is neither a file nor a pipe`],
    ['/dev/zero', "/dev/zero can't be read: it is neither a file nor a pipe"],
    [join(at, 'x'), /x can't be read: ENOENT/],
  ] as const)
    await assert.rejects(run(paperContext({ state }).context, ['verify'], { checkpoint: [given] }), {
      code: 'usage.path',
      message,
    })
  writeFileSync(path, '\n'.repeat(2_000_000))
  await assert.rejects(run(paperContext({ state }).context, ['verify'], { checkpoint: [path] }), {
    code: 'usage.path',
    message: /it is too long for a checkpoint/,
  })
})

test('a damaged checkpoint beside a good one is wrong use, by its file and line, and never passed over', async t => {
  const { state, note, at } = await site(t)
  const { context, out } = paperContext({ state })
  assert.equal(await run(context, ['checkpoint'], {}), 0)
  const [good, path] = [join(at, 'good'), join(at, 'two')]
  writeFileSync(good, note)
  const begin = note.split('\n').length + 1
  for (const later of [out().replace('— ', '- '), out().replace(/^(.{30})(.{13}=)$/m, '$1\n$2')]) {
    writeFileSync(path, `${note}\n${later}`)
    for (const checkpoint of [[path], [good, path]])
      await assert.rejects(run(paperContext({ state }).context, ['verify'], { checkpoint }), {
        code: 'usage.path',
        message: `--checkpoint ${path}: line ${begin} is of a checkpoint that can't be read`,
      })
  }
})

test('what a shell pipes in is read as a file is, however late it comes', async t => {
  const { state, note, at } = await site(t)
  const path = join(at, 'file')
  writeFileSync(path, note)
  const entries = paperContext({ state, json: true })
  await run(entries.context, ['list', 'kind:command'], {})
  const commands = join(at, 'commands')
  writeFileSync(commands, entries.out())
  for (const [file, words] of [
    [path, '--checkpoint <(cat "$FILE")'],
    [path, '--checkpoint <(sleep 1; cat "$FILE")'],
    [path, '--checkpoint /dev/stdin < <(sleep 1; cat "$FILE")'],
    [commands, '--commands <(sleep 1; cat "$FILE")'],
  ] as const) {
    const child = inShell(state, file, words)
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    assert.deepEqual([JSON.parse(said).ok, code], [true, 0], words)
  }
})

test('a pipe in which nothing comes holds nobody up who was told to end', async t => {
  const { state, at } = await site(t)
  const pipe = join(at, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const words of ['--checkpoint "$FILE"', '--commands "$FILE"'])
    for (const [signal, wanted] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const child = inShell(state, pipe, words)
      const said = text(child.stdout)
      const end = once(child, 'exit')
      await until('it to wait at the pipe', () => hasOpened(child.pid ?? 0, pipe), 50_000)
      child.kill(signal)
      const [code] = await end
      assert.deepEqual([code, JSON.parse(await said).error.code], [wanted, 'interrupted'], words)
    }
})

function hasOpened(pid: number, path: string): boolean {
  const fds = `/proc/${pid}/fd`
  return readdirSync(fds).some(fd => {
    try {
      return readlinkSync(join(fds, fd)) === path
    } catch {
      // It has been closed since.
      return false
    }
  })
}
