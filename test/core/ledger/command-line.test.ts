import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { entriesIn, exit, folder, opened, ROOT, written } from './stand.ts'

const run = (state: string, ...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'heald.ts'), 'ledger', ...words, '--state', state],
    { encoding: 'utf8', timeout: 60_000 },
  )
  return { code: status, out: stdout, err: stderr }
}

test('list, show and verify read a ledger without a daemon, and pass nothing on that steers a terminal', async t => {
  const dir = join(folder(t), 'ledger')
  const state = dirname(dir)
  const ledger = await opened(t, dir)
  const nasty = 'red \u001b[31m back \u202e\u2066 line\nforged: all is well'
  await ledger.append(exit(1, { data: { pid: 1, diagnosis: nasty }, tail: `last words\n${nasty}` }))
  await ledger.append({ kind: 'config.applied', actor: 'local:admin', data: { sha256: 'x' } })
  await ledger.close(1000)
  const listed = run(state, 'list')
  assert.equal(listed.code, 0, listed.err)
  assert.match(listed.out, /#2 .*config\.applied .*\n.*#1 .*service\.exited/)
  assert.equal(listed.out.trimEnd().split('\n').length, 4, 'one line an entry, and the titles')
  const shown = run(state, 'show', '#1')
  assert.match(shown.out, /receipt +#1·[a-z2-7]{26}/)
  assert.match(shown.out, /│ last words/)
  assert.doesNotMatch(shown.out, /│ *\n*$/, 'no empty line after the last one kept')
  for (const { out } of [listed, shown]) assert.doesNotMatch(out, /[\u001b\u202e\u2066]/)
  assert.equal(
    run(state, 'list', '--actor', 'local:admin', '--json').out,
    `${readFileSync(join(dir, 'seg/000000000000.jsonl'), 'utf8').split('\n')[2]}\n`,
  )
  assert.match(run(state, 'list', '--limit', '1').err, /--cursor 2/)
  assert.match(run(state, 'list', '--limit', '1', '--cursor', '2', '--json').out, /"seq":1,/)
  for (const words of [
    ['list', '--since', 'soon'],
    ['show', 'x'],
    ['show'],
    ['nonsense'],
    [],
    ['list', '--seq', 'a..b'],
    ['show', '77'],
  ])
    assert.equal(run(state, ...words).code, 2, words.join(' '))
  assert.equal(run(join(state, 'nowhere'), 'list').code, 1)
})

test('verify says that all is well, or names the line; in words and as promised in JSON', async t => {
  const dir = await written(t, 9)
  const good = run(dirname(dir), 'verify', '--json')
  const verdict = JSON.parse(good.out) as Record<string, unknown>
  const promised = [
    'ok',
    'size',
    'head',
    'checked',
    'firstBad',
    'hasWriter',
    'torn',
    'void',
    'provableUpTo',
    'prunedUpTo',
    'tookMs',
  ]
  const more = ['root', 'origin', 'vkeys', 'trusted', 'unvouched', 'signedUpTo', 'evidence', 'unbelieved']
  const later = ['comparedUpTo', 'trouble', 'doubts', 'keyReceipts', 'keysFound']
  assert.deepEqual(Object.keys(verdict).sort(), [...promised, ...more, ...later].sort())
  assert.deepEqual([good.code, verdict.ok, verdict.size, verdict.head], [0, true, 10, entriesIn(dir).at(-1)?.h])
  const path = join(dir, 'seg/000000000000.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":5', '"pid":6'))
  const bad = run('/nonexistent', 'verify', dir)
  assert.equal(bad.code, 1)
  assert.match(bad.out, /DAMAGED at entry #5 \(line 6 of segment 000000000000\): the hash does not match the line/)
  assert.match(bad.out, /Still proved: 5 entries before it, up to #4·/)
  assert.deepEqual((JSON.parse(run('/nonexistent', 'verify', dir, '--json').out) as { firstBad: unknown }).firstBad, {
    seq: 5,
    line: 6,
    why: 'the hash does not match the line',
    segment: '000000000000',
  })
})

test('follow prints what comes, and Ctrl-C ends it cleanly', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  await ledger.append(exit(1))
  const follower = spawn(
    process.execPath,
    [join(ROOT, 'heald.ts'), 'ledger', 'follow', '--from', '1', '--json', '--state', dirname(dir)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  t.after(() => follower.kill('SIGKILL'))
  let out = ''
  const ended = new Promise<number | null>(resolve => follower.once('close', resolve))
  await new Promise<void>(resolve => {
    follower.stdout.setEncoding('utf8').on('data', (text: string) => {
      const before = out
      out += text
      if (before === '') void ledger.append(exit(2))
      if (out.split('\n').length === 3) resolve()
    })
  })
  follower.kill('SIGINT')
  assert.equal(await ended, 0)
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map(line => (JSON.parse(line) as { seq: number }).seq),
    [1, 2],
  )
})
