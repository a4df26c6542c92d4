import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { BOT_ROUTES } from '../../../core/api/bot-routes.ts'
import { request, stream } from '../../../core/api/client.ts'
import type { Status } from '../../../core/api/control.ts'
import { type Limits, serve } from '../../../core/api/server.ts'
import { createBotDesk } from '../../../core/notice/bot-desk.ts'
import { NO_COMMANDS } from '../../fakes/no-commands.ts'
import { configOf, notebook, SLACK, TELEGRAM } from '../notice/stand.ts'
import { temporaryFolder } from './stand.ts'

async function makeSocket(
  t: TestContext,
  { limits = {}, owner = null }: { limits?: Partial<Limits>; owner?: number | null } = {},
) {
  const book = Object.assign(notebook(), {
    note: null as string | null,
    kept: [] as [number, string][],
    told: [] as string[],
  })
  const socket = join(temporaryFolder(t), 'bot.sock')
  const config = configOf({ channels: [TELEGRAM, SLACK], fallback: ['page', '--key', 'hunter2'] })
  const control = createBotDesk({
    ...{ clock: book.clock, memory: book.folded.notices, incidents: book.folded.incidents, append: book.append },
    config: () => config,
    head: () => ({ size: book.entries.length, h: 'ab', recording: 'ok' }),
    checkpoints: {
      latest: () => book.note,
      keep: async (size, note) => void book.kept.push([size, note]),
      keyOf: async () => ({ vkey: 'web-1/heald/0123abcd+key', receipt: '#0·abc' }),
    },
    status: () => ({ host: 'web-1' }) as Status,
    whenReady: async () => {},
    commands: NO_COMMANDS,
    onTold: channel => void book.told.push(channel),
    tails: { of: seq => (seq === 7 ? 'the last line' : null) },
  })
  async function* follow(from: number) {
    for (let seq = from; seq < from + 3; seq += 1) yield `{"seq":${seq}}`
  }
  const server = await serve({ socket, owner, routes: BOT_ROUTES, control, follow, limits })
  t.after(() => server.close(100))
  const ask = (path: string, body?: object) =>
    request(socket, body === undefined ? 'GET' : 'POST', path, body, { timeoutMs: 5000 }) as Promise<never>
  return { book, socket, ask }
}

const DELIVERED = {
  ...{ what: 'delivered', channel: 'slack', chat: 'C1', reference: '171.2', which: 'post', for: 'card' },
}

test('it has four verbs, and nothing that the operator may do', async t => {
  const { ask, socket } = await makeSocket(t)
  const lines: string[] = []
  for await (const line of stream(socket, '/v1/follow?from=7', t.signal)) lines.push(line)
  assert.deepEqual(lines.slice(0, 3), ['{"seq":7}', '{"seq":8}', '{"seq":9}'])
  assert.deepEqual(await ask('/v1/query', { what: 'head' }), { size: 0, h: 'ab', recording: 'ok' })
  assert.deepEqual(await ask('/v1/report', { what: 'channel.up', channel: 'slack' }), { recorded: true })
  const said = { platform: 'telegram', user: '1001', chat: '-100', key: 'telegram:77:-100:1' }
  await assert.rejects(ask('/v1/request', { ...said, text: '/rollback web' }), { code: 'command.not-yet' })
  for (const path of ['/v1/status', '/v1/incidents', '/v1/ledger/follow', '/', '/v1/query/config'])
    await assert.rejects(ask(path), { code: 'request.path' }, path)
  for (const path of ['/v1/down', '/v1/reload', '/v1/services/agent/stop', '/v1/silences', '/v1/incidents/a-1/ack'])
    await assert.rejects(ask(path, {}), { code: 'request.path' }, path)
})

test('its file is for heald and one user: not for a group, as others may be in it', {
  skip: process.getuid?.() !== 0 && 'only root can give a file to somebody else',
}, async t => {
  if (spawnSync('python3', ['--version']).error !== undefined) return t.skip('needs python3')
  const [owner, other] = [12_345, 54_321]
  const { socket } = await makeSocket(t, { owner })
  chmodSync(dirname(socket), 0o711)
  const { mode, uid } = statSync(socket)
  assert.deepEqual([(mode & 0o777).toString(8), uid], ['600', owner])
  const connect = 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])'
  const asUser = (uid: number) => {
    const { status, stderr } = spawnSync('python3', ['-c', connect, socket], { uid, gid: owner, encoding: 'utf8' })
    return status === 0 ? 'connected' : stderr.trim().split('\n').at(-1)
  }
  assert.equal(asUser(owner), 'connected')
  assert.match(asUser(other) ?? '', /PermissionError: \[Errno 13\]/)
})

test('the configuration goes there without a secret, and without the words of the fallback', async t => {
  const { ask } = await makeSocket(t)
  const config = JSON.stringify(await ask('/v1/query', { what: 'config' }))
  assert.match(config, /"token":\{"file":"\/run\/secrets\/telegram"\}/)
  assert.match(config, /"botToken":\{"env":"SLACK_BOT_TOKEN"\}/)
  assert.match(config, /"fallback":\["page"\]/)
  assert.match(config, /"host":"web-1","tz":"UTC"/)
  assert.doesNotMatch(config, /hunter2|ledger|sha256/)
})

test('questions are answered, and unknown ones refused', async t => {
  const { ask, book } = await makeSocket(t)
  const id = await book.open('agent', 'critical')
  assert.deepEqual(
    ((await ask('/v1/query', { what: 'incidents' })) as { id: string }[]).map(each => each.id),
    [id],
  )
  assert.deepEqual(await ask('/v1/query', { what: 'status' }), { host: 'web-1' })
  assert.deepEqual(await ask('/v1/query', { what: 'silences' }), [])
  await ask('/v1/report', { ...DELIVERED, card: id })
  const [delivery] = (await ask('/v1/query', { what: 'deliveries' })) as object[]
  const { what: _, ...where } = DELIVERED
  assert.deepEqual(delivery, { ...where, card: id, incident: id, step: null })
  for (const what of ['tokens', 'constructor', 7, undefined])
    await assert.rejects(ask('/v1/query', { what }), { code: 'request.body' }, String(what))
})

test('reports become entries, each once', async t => {
  const { ask, book } = await makeSocket(t)
  const id = await book.open('agent', 'critical')
  const down = { what: 'channel.down', channel: 'telegram', why: 'the token is wrong', final: true }
  assert.deepEqual(await ask('/v1/report', down), { recorded: true })
  assert.deepEqual(await ask('/v1/report', down), { recorded: false })
  assert.deepEqual(await ask('/v1/report', { ...down, why: 'no route', final: false }), { recorded: true })
  assert.deepEqual(await ask('/v1/report', { what: 'channel.up', channel: 'telegram' }), { recorded: true })
  assert.deepEqual(await ask('/v1/report', { what: 'channel.up', channel: 'telegram', why: 'x' }), { recorded: false })
  assert.deepEqual(book.told, Array(5).fill('telegram'), 'a bot that tells what is known has told it all the same')
  const escalated = { ...DELIVERED, card: 'card-9', for: 'escalation', incident: id, step: 1 }
  assert.deepEqual(await ask('/v1/report', escalated), { recorded: true })
  assert.deepEqual(await ask('/v1/report', escalated), { recorded: false })
  assert.deepEqual(await ask('/v1/report', { ...escalated, step: 2 }), { recorded: true })
  const [, first, second, third, fourth] = book.entries
  assert.deepEqual([first?.kind, first?.data], ['channel.down', { channel: 'telegram', why: down.why, final: true }])
  assert.deepEqual(second?.data.final, false)
  assert.deepEqual([third?.kind, third?.data], ['channel.up', { channel: 'telegram', why: '' }])
  const { what: _, ...where } = DELIVERED
  assert.deepEqual(fourth?.data, { ...where, card: 'card-9', for: 'escalation', step: 1 })
  assert.equal(fourth?.inc, id)
  assert.equal(book.entries.length, 6)
})

test('reports of another shape, of unknown channels or too long are refused, and leave nothing', async t => {
  const { ask, book } = await makeSocket(t)
  const good = { ...DELIVERED, card: 'a-1' }
  const refused: object[] = [
    {},
    { what: 'checkpoint' },
    { what: 'channel.down', channel: 'slack' },
    { what: 'channel.down', channel: 'slack', why: 'x'.repeat(301) },
    { what: 'channel.up', channel: 'slack', why: 7 },
    { what: 'channel.up', channel: 'slack', actor: 'local:admin' },
    { ...good, card: '' },
    { ...good, reference: 'r'.repeat(201) },
    { ...good, which: 'deleted' },
    { ...good, for: 'fun' },
    { ...good, step: 1.5 },
    { ...good, step: -1 },
    { ...good, step: '1' },
    { ...good, kind: 'incident.resolved' },
  ]
  for (const body of refused)
    await assert.rejects(ask('/v1/report', body), { code: 'request.body' }, JSON.stringify(body))
  await assert.rejects(ask('/v1/report', { what: 'channel.up', channel: 'pager' }), { code: 'channel.unknown' })
  await assert.rejects(ask('/v1/report', { ...good, card: 'x'.repeat(70_000) }), { code: 'request.large' })
  assert.equal(book.entries.length, 0)
})

test('a bot in the wrong hands can not flood the ledger: not at once, and not in an hour', async t => {
  const { ask, book } = await makeSocket(t)
  let asked = 0
  /** Always something new, now of one kind and now of another. */
  async function tell(): Promise<string> {
    asked += 1
    const report =
      asked % 2 === 0
        ? { ...DELIVERED, card: `card-${asked}` }
        : { what: 'channel.down', channel: 'telegram', why: `${asked}`, final: true }
    return ask('/v1/report', report).then(
      () => 'ok',
      (error: { code: string; retry: number }) => `${error.code} ${error.retry}`,
    )
  }
  const codes = new Map<string, number>()
  for (let n = 0; n < 260; n += 1) {
    const code = await tell()
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(codes), { ok: 200, 'request.rate 5000': 60 })
  assert.equal(book.entries.length, 200)
  for (let second = 0; second < 3600; second += 2) {
    await book.clock.advance(2000)
    await tell()
  }
  assert.equal(book.entries.length, 200 + 3600 / 5)
})

test('what can not be recorded is not said to be', async t => {
  const { ask, book } = await makeSocket(t)
  book.isBroken = true
  await assert.rejects(ask('/v1/report', { ...DELIVERED, card: 'a-1' }), { code: 'ledger.degraded' })
})

test('connections and slow requests are bounded as on the other socket', async t => {
  const { socket, ask } = await makeSocket(t, { limits: { connections: 2, requestMs: 200 } })
  const idle = connect(socket)
  idle.write('POST /v1/report HTTP/1.1\r\nhost: heald\r\ncontent-length: 10\r\n\r\n{')
  let answer = ''
  idle.setEncoding('utf8').on('data', chunk => {
    answer += chunk
  })
  await new Promise(resolve => idle.once('close', resolve))
  assert.match(answer, /^HTTP\/1.1 4\d\d/)
  const held = [connect(socket), connect(socket)]
  await Promise.all(held.map(each => new Promise(resolve => each.once('connect', resolve))))
  await assert.rejects(ask('/v1/query', { what: 'head' }), { code: 'daemon.unreachable' })
  for (const each of held) each.destroy()
})

test('the last lines of a service are asked for by the entry of its end', async t => {
  const { ask } = await makeSocket(t)
  assert.deepEqual(await ask('/v1/query', { what: 'tail', seq: 7 }), { text: 'the last line' })
  assert.deepEqual(await ask('/v1/query', { what: 'tail', seq: 8 }), { text: null })
  assert.deepEqual(await ask('/v1/query', { what: 'tail' }), { text: null })
})

test('the newest checkpoint is handed out, and what was handed out can be reported as posted, once for each chat', async t => {
  const { ask, book } = await makeSocket(t)
  const post = { what: 'checkpoint.posted', channel: 'slack', chat: 'C1', reference: '171.2' }
  assert.equal(await ask('/v1/query', { what: 'checkpoint' }), null)
  const root = Buffer.alloc(32, 7).toString('base64')
  book.note = `web-1/heald/0123abcd\n12\n${root}\n\n— web-1/heald/0123abcd AAAA\n`
  const known = { note: book.note, size: 12, root, vkey: 'web-1/heald/0123abcd+key', receipt: '#0·abc' }
  assert.deepEqual(await ask('/v1/query', { what: 'checkpoint' }), known)
  // A newer one is signed meanwhile.
  const first = book.note
  book.note = first.replace('\n12\n', '\n13\n')
  assert.deepEqual(await ask('/v1/report', { ...post, size: 12, root }), { recorded: true })
  assert.deepEqual(await ask('/v1/report', { ...post, size: 12, root }), { recorded: false })
  assert.deepEqual(await ask('/v1/report', { ...post, size: 12, root, chat: 'C2' }), { recorded: true })
  assert.deepEqual(book.of('checkpoint.posted')[0], { size: 12, root, where: 'slack', chat: 'C1', reference: '171.2' })
  assert.deepEqual(book.kept, [
    [12, first],
    [12, first],
  ])
  assert.deepEqual(
    ((await ask('/v1/query', { what: 'posted' })) as { chat: string; size: number }[]).map(each => [
      each.chat,
      each.size,
    ]),
    [
      ['C1', 12],
      ['C2', 12],
    ],
  )
  for (const wrong of [
    { size: 14, root },
    { size: 13, root: root.replace('B', 'C') },
    { size: 11, root },
  ])
    await assert.rejects(ask('/v1/report', { ...post, ...wrong }), { code: 'checkpoint.unknown' })
  for (const wrong of [
    { size: -1, root },
    { size: '12', root },
    { size: 1.5, root },
    { size: 13 },
    { size: 13, root, more: 1 },
  ])
    await assert.rejects(ask('/v1/report', { ...post, ...wrong }), { code: 'request.body' })
  await assert.rejects(ask('/v1/report', { ...post, channel: 'irc', size: 13, root }), { code: 'channel.unknown' })
})
