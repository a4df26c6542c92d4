import assert from 'node:assert/strict'
import { mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry } from '../../core/entry.ts'
import { codeOf } from '../../core/fault.ts'
import { CHATS, type ChatClient, chatClient, discord, telegram } from '../journeys/chat-client.ts'
import type { Daemon } from '../journeys/daemon.ts'
import { makeStand, type Stand, soak } from '../journeys/stand.ts'
import { makeStrike, type Strike, strikeIsMissing } from './switch-strike.ts'

/*
 * heald is killed before each call by which it writes and flushes its ledger, and by which it moves a pointer, while a
 * command goes its way: asked for in one chat, approved in another, carried out. Whoever asks and approves does so again
 * after a broken connection, with the same keys, as the platforms do. Judged: it is done once or not at all, it has one
 * end, and that end says what is so.
 */
const ALICE = telegram(1001)
const BOB = discord(42)

interface Site {
  readonly stand: Stand
  readonly strike: Strike
  readonly client: ChatClient
  daemon: Daemon
  current(): string
}

async function makeSite(t: TestContext): Promise<Site> {
  const stand = await makeStand(t)
  const srv = join(stand.root, 'srv')
  for (const name of ['one', 'two']) {
    mkdirSync(join(srv, 'releases', name), { recursive: true })
    writeFileSync(join(srv, 'releases', name, 'name'), name)
  }
  symlinkSync('releases/one', join(srv, 'current'))
  const strike = makeStrike(stand.root, stand.env.PATH ?? '', [`${srv}/`, join(stand.state, 'ledger/seg/')])
  stand.configure({
    services: {
      web: { run: ['sleep', '100000'], cwd: join(srv, 'current'), stop: { timeout: '2s' }, target: 'app' },
      // It is in no target, so nothing but its own commands starts it anew.
      job: { run: ['sleep', '100000'], stop: { timeout: '2s' } },
    },
    targets: {
      app: {
        kind: 'releases',
        path: srv,
        checks: [{ file: stand.configPath, maxAge: '7d', every: '100ms', timeout: '100ms' }],
      },
    },
    switch: { probation: '200ms', passes: 1, deadMan: '5m' },
    ...CHATS,
    operators: { alice: { role: 'operator', telegram: 1001 }, bob: { role: 'operator', discord: '42' } },
    policy: { rollback: { approvals: 1 }, restart: { approvals: 0 } },
  })
  const up = () => stand.up({ env: strike.env, timeoutMs: 60_000 })
  const daemon = await up()
  await stand.wait('what runs is known to be good', async () => (await stand.status()).targets[0]?.knownGood)
  await stand.must('deploy', 'app', 'two')
  const current = () => readlinkSync(join(srv, 'current')).replace('releases/', '')
  return { stand, strike, client: chatClient(stand), daemon, current }
}

/** Says it until there is an answer, starting heald again when it is gone. Same key, as a platform that delivers again. */
async function insist(site: Site, say: () => ReturnType<ChatClient['say']>): Promise<string> {
  let last = ''
  for (let tries = 0; tries < 200; tries += 1) {
    try {
      const reply = await say()
      assert.equal(reply.reply, 'command', JSON.stringify(reply))
      return reply.reply === 'command' ? reply.command.id : ''
    } catch (error) {
      // It was approved and is under way, or over: that is an answer too.
      if (codeOf(error) === 'command.over') return ''
      if (!['daemon.unreachable', 'daemon.stopping', 'command.not-yet', 'daemon.timeout'].includes(codeOf(error)))
        throw error
      last = String(error)
      // A connection may be refused a moment before the end of the process is known here.
      await sleep(50)
      await revive(site)
    }
  }
  return assert.fail(`heald never answered: ${last}`)
}

async function revive(site: Site): Promise<void> {
  if (site.daemon.child.exitCode === null && site.daemon.child.signalCode === null) return
  site.strike.disarm()
  site.daemon = await site.stand.up({ env: site.strike.env, timeoutMs: 60_000 })
}

interface Outcome {
  readonly state: string
  readonly isStruck: boolean
  readonly entries: readonly Entry[]
}

/** One command from its first word to its end, with heald killed before the `at`th call; 0: not at all. */
async function once(site: Site, at: number, line: string, isApproved: boolean): Promise<Outcome> {
  const { stand, strike, client } = site
  const from = stand.entries().length
  const before = site.daemon
  const [asking, approving] = [client.key(ALICE), client.key(BOB)]
  strike.arm(site.daemon.pid, { at })
  const id = await insist(site, () => client.say(ALICE, line, { key: asking }))
  if (isApproved) await insist(site, () => client.say(BOB, `approve ${id}`, { key: approving }))
  const its = (): Entry[] =>
    stand
      .entries()
      .slice(from)
      .filter(({ kind, data }) => kind.startsWith('command.') && data.id === id)
  const ends = /\.(succeeded|failed|expired|rejected)$/
  await stand.wait(`${id} has its end`, async () => {
    await revive(site)
    return its().some(({ kind }) => ends.test(kind))
  })
  // The kill may come right after the end was written.
  await stand.wait('heald answers', async () => {
    await revive(site)
    return stand.status().catch(() => null)
  })
  strike.disarm()
  const entries = its()
  const kinds = entries.map(({ kind }) => kind)
  assert.equal(kinds.filter(kind => ends.test(kind)).length, 1, `${line}, at ${at}: ${kinds}`)
  assert.equal(kinds.filter(kind => kind === 'command.requested').length, 1, `${line}, at ${at}: ${kinds}`)
  assert.ok(kinds.filter(kind => kind === 'command.started').length <= 1, `${line}, at ${at}: ${kinds}`)
  // Delivered once more, long after: nothing happens.
  const size = stand.entries().filter(({ kind }) => kind.startsWith('command.')).length
  await insist(site, () => client.say(ALICE, line, { key: asking }))
  assert.equal(stand.entries().filter(({ kind }) => kind.startsWith('command.')).length, size)
  const state = kinds.at(-1)?.replace('command.', '') ?? ''
  return { state, isStruck: site.daemon !== before, entries: stand.entries().slice(from) }
}

async function walk(
  t: TestContext,
  site: Site,
  {
    count,
    isApproved,
    line,
    judge,
  }: {
    readonly count: number
    readonly isApproved: boolean
    readonly line: () => string
    readonly judge: (outcome: Outcome, at: number, before: string) => void
  },
): Promise<void> {
  const plain = await once(site, 0, line(), isApproved)
  assert.equal(plain.state, 'succeeded')
  const calls = site.strike.calls().length
  const ends: Record<string, number> = {}
  let struck = 0
  for (let n = 0; n < count; n += 1) {
    const at = 1 + Math.floor(((n + 0.5) * calls) / count)
    const before = site.current()
    const outcome = await once(site, at, line(), isApproved)
    judge(outcome, at, before)
    if (outcome.isStruck) struck += 1
    ends[outcome.state] = (ends[outcome.state] ?? 0) + 1
  }
  t.diagnostic(`${line()}: killed at ${struck} of ${calls} calls: ${JSON.stringify(ends)}`)
  assert.ok(struck >= count / 2, `only ${struck} of ${count} were struck`)
  await site.stand.verified()
  await site.stand.must('ledger', 'verify', '--commands')
}

test('kill -9 between any two steps of a rollback from chats: done once or not at all, and its end says which', async t => {
  const missing = strikeIsMissing()
  if (missing !== null) return t.skip(missing)
  const site = await makeSite(t)
  const other = () => (site.current() === 'one' ? 'two' : 'one')
  let wanted = ''
  await walk(t, site, {
    count: soak(5, 60),
    isApproved: true,
    line: () => {
      wanted = other()
      return `rollback app ${wanted}`
    },
    judge({ state, entries }, at, before) {
      const begun = entries.filter(({ kind, data }) => kind === 'rollback.started' && data.cause === 'operator')
      assert.ok(begun.length <= 1, `begun ${begun.length} times, at ${at}`)
      assert.equal(site.current(), state === 'succeeded' ? wanted : before, `${state}, at ${at}`)
    },
  })
  await site.stand.must('down')
  await site.stand.nothingLeft()
})

test('kill -9 between any two steps of a restart: at most one, and what is said of it is so', async t => {
  const missing = strikeIsMissing()
  if (missing !== null) return t.skip(missing)
  const site = await makeSite(t)
  const pid = () => site.stand.processes('job').join()
  let before = ''
  await walk(t, site, {
    // It makes some ten calls, so each write of an entry of the command is struck.
    count: soak(8, 30),
    isApproved: false,
    line: () => {
      before = pid()
      return 'restart job'
    },
    judge({ state, entries }, at) {
      // heald itself starts it again only when it fails, which it never does here.
      const starts = entries.filter(({ kind, svc }) => kind === 'service.started' && svc === 'job')
      assert.ok(starts.length <= 1, `${starts.length} starts, at ${at}`)
      if (state === 'succeeded') assert.equal(starts.length, 1, `at ${at}`)
      const why = String(entries.findLast(({ kind }) => kind === 'command.failed')?.data.why ?? '')
      if (/nothing had been done/.test(why)) assert.equal(pid(), before, `${why}, at ${at}`)
      if (state === 'succeeded') assert.notEqual(pid(), before, `at ${at}`)
    },
  })
  await site.stand.must('down')
  await site.stand.nothingLeft()
})
