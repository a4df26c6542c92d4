import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EscalationStep, NoticeSpec } from '../../../core/config/notice-spec.ts'
import { escalation } from '../../../core/notice/escalation.ts'
import type { Ran } from '../../../core/notice/fallback.ts'
import { configOf, notebook } from './stand.ts'

const MINUTE = 60_000
const step = (afterMs: number, unless: EscalationStep['unless'] = 'acked', to = ['telegram']): EscalationStep => ({
  ...{ afterMs, unless, to },
})
const TWO = [step(5 * MINUTE), step(15 * MINUTE, 'resolved', ['slack'])]
const OK: Ran = { isOk: true, why: null, tookMs: 7, output: '' }

function begin(notice: Partial<NoticeSpec> = {}, book = notebook()) {
  const runs: { argv: readonly string[]; input: { incident: { id: string }; step: number; to: string[] } }[] = []
  let answer: () => Promise<Ran> = async () => OK
  const start = () =>
    escalation({
      ...{ clock: book.clock, memory: book.folded.notices, incidents: book.folded.incidents },
      ...{ append: book.append, warn: () => {} },
      run: (argv, input) => {
        runs.push({ argv, input: JSON.parse(input) })
        return answer()
      },
    })
  let them = start()
  let config = configOf({ escalation: TWO, fallback: ['/bin/page', '--now'], ...notice })
  book.onEntries = entries => them.take(entries)
  them.look(config)
  return {
    ...{ book, runs },
    answerWith: (next: () => Promise<Ran>) => {
      answer = next
    },
    dues: () =>
      book
        .of('escalation.due')
        .map(({ incident, step: at, fallback }) => `${incident}/${at}${fallback ? ' fallback' : ''}`),
    confirm: (inc: string, at: number) =>
      book.append({
        ...{ kind: 'channel.delivered', inc },
        data: { channel: 'telegram', chat: '1', card: 'c', reference: 'r', which: 'post', for: 'escalation', step: at },
      }),
    again(more: Partial<NoticeSpec> = {}) {
      them.release()
      them = start()
      config = configOf({ ...config.notice, ...more })
      them.look(config)
    },
    release: () => them.release(),
  }
}

test('each step is due once, by the age of the incident; a confirmed one needs no fallback', async () => {
  const { book, dues, confirm, runs } = begin()
  const id = await book.open('agent', 'critical')
  await book.clock.advance(5 * MINUTE - 1)
  assert.deepEqual(dues(), [])
  await book.clock.advance(300)
  assert.deepEqual(dues(), [`${id}/0`])
  assert.deepEqual(book.entries.at(-1)?.inc, id)
  assert.deepEqual(book.of('escalation.due')[0], { incident: id, step: 0, to: ['telegram'], fallback: false })
  await confirm(id, 0)
  await book.clock.advance(10 * MINUTE)
  assert.deepEqual(dues(), [`${id}/0`, `${id}/1`])
  await confirm(id, 1)
  await book.clock.advance(1000 * MINUTE)
  assert.equal(dues().length, 2)
  assert.equal(runs.length, 0)
})

test('warnings are not escalated; one that becomes critical is, by its whole age', async () => {
  const { book, dues } = begin()
  const id = await book.open('agent', 'warning')
  await book.clock.advance(10 * MINUTE)
  assert.deepEqual(dues(), [])
  await book.append({ kind: 'incident.escalated', inc: id, data: { severity: 'critical' } })
  await book.clock.advance(300)
  assert.deepEqual(dues(), [`${id}/0`])
})

test('an acknowledged incident goes no further but for what only its end stops', async () => {
  const { book, dues, confirm } = begin()
  const [acked, resolved] = [await book.open('agent', 'critical'), await book.open('db', 'critical')]
  await book.append({ kind: 'incident.acked', inc: acked, data: { by: 'alice' } })
  await book.append({ kind: 'incident.resolved', inc: resolved, data: { how: 'recovered' } })
  await book.clock.advance(15 * MINUTE + 300)
  assert.deepEqual(dues(), [`${acked}/1`])
  await confirm(acked, 1)
})

test('without a confirmation within 30 s the fallback gets the incident, once', async () => {
  const { book, dues, runs } = begin()
  const id = await book.open('agent', 'critical')
  await book.clock.advance(5 * MINUTE + 29_000)
  assert.equal(runs.length, 0)
  await book.clock.advance(1300)
  assert.deepEqual(dues(), [`${id}/0`, `${id}/0 fallback`])
  assert.deepEqual(runs[0]?.argv, ['/bin/page', '--now'])
  assert.deepEqual([runs[0]?.input.incident.id, runs[0]?.input.step, runs[0]?.input.to], [id, 0, ['telegram']])
  const told = { incident: id, step: 0, to: ['telegram'], fallback: true, result: 'ok', why: null, tookMs: 7 }
  assert.deepEqual(book.of('escalation.due')[1], told)
  await book.clock.advance(9 * MINUTE)
  assert.equal(runs.length, 1)
})

test('one that failed is told, and not run again', async () => {
  const { book, runs, answerWith } = begin()
  answerWith(async () => ({ isOk: false, why: 'exit code 3', tookMs: 1, output: 'no pager' }))
  await book.open('agent', 'critical')
  await book.clock.advance(6 * MINUTE)
  assert.deepEqual(book.of('escalation.due')[1]?.result, 'failed')
  assert.deepEqual(book.of('escalation.due')[1]?.why, 'exit code 3')
  assert.equal(runs.length, 1)
})

test('who acknowledges or resolves in the meantime stops the fallback', async () => {
  const { book, runs } = begin()
  const [first, second] = [await book.open('agent', 'critical'), await book.open('db', 'critical')]
  await book.clock.advance(5 * MINUTE + 10_000)
  await book.append({ kind: 'incident.acked', inc: first, data: { by: 'alice' } })
  await book.append({ kind: 'incident.resolved', inc: second, data: { how: 'recovered' } })
  await book.clock.advance(5 * MINUTE)
  assert.equal(runs.length, 0)
})

test('a restart makes no step due again, and waits once more for what was not confirmed', async () => {
  const { book, dues, runs, confirm, again, release } = begin()
  const id = await book.open('agent', 'critical')
  await book.clock.advance(5 * MINUTE + 20_000)
  release()
  await book.clock.advance(MINUTE)
  again()
  await book.clock.advance(29_000)
  assert.deepEqual([dues(), runs.length], [[`${id}/0`], 0])
  await book.clock.advance(2000)
  assert.deepEqual([dues(), runs.length], [[`${id}/0`, `${id}/0 fallback`], 1])
  again()
  await book.clock.advance(5 * MINUTE)
  assert.deepEqual([dues().length, runs.length], [2, 1])
  release()
  await book.clock.advance(20 * MINUTE)
  again()
  await book.clock.advance(10)
  assert.equal(dues().at(-1), `${id}/1`, 'what was due meanwhile is due at once')
  await confirm(id, 1)
  again()
  await book.clock.advance(5 * MINUTE)
  assert.equal(runs.length, 1)
})

test('a daemon that ends while the fallback runs, or before that is recorded, runs it again', async () => {
  const { book, runs, again, answerWith } = begin()
  await book.open('agent', 'critical')
  answerWith(() => new Promise(() => {}))
  await book.clock.advance(6 * MINUTE)
  assert.equal(runs.length, 1)
  answerWith(async () => OK)
  again()
  await book.clock.advance(31_000)
  assert.equal(runs.length, 2)
  again()
  await book.clock.advance(31_000)
  assert.equal(runs.length, 2)
})

test('while nothing can be recorded the fallback runs all the same, and all is written down afterwards', async () => {
  const { book, dues, runs } = begin()
  const id = await book.open('agent', 'critical')
  book.isBroken = true
  await book.clock.advance(6 * MINUTE)
  assert.equal(runs.length, 1)
  await book.clock.advance(3 * MINUTE)
  book.isBroken = false
  await book.clock.advance(2 * MINUTE)
  assert.deepEqual([dues(), runs.length], [[`${id}/0`, `${id}/0 fallback`], 1])
})

test('a slow disk makes no step due twice, and no program run twice', async () => {
  const { book, dues, runs } = begin()
  const id = await book.open('agent', 'critical')
  book.slowMs = 150_000
  for (let n = 0; n < 56; n += 1) {
    // News on the way makes it look again and again.
    void book.append({ kind: 'incident.escalated', inc: id, data: { severity: 'critical' } })
    await book.clock.advance(15_000)
  }
  assert.deepEqual([dues(), runs.length], [[`${id}/0`, `${id}/0 fallback`], 1])
})

test('it waits for the end of a silence, and a step taken out of the configuration is not due', async () => {
  const { book, dues, runs, again } = begin()
  const id = await book.open('agent', 'critical')
  const untilTs = new Date(book.clock.wallMs() + 60 * MINUTE).toISOString()
  const match = { severity: null, services: ['ag*'], kinds: ['incident'] }
  await book.append({ kind: 'silence.created', data: { id: 'silence-1', match, untilTs, by: 'x', why: '' } })
  await book.clock.advance(20 * MINUTE)
  assert.deepEqual(dues(), [])
  again({ escalation: TWO.slice(0, 1) })
  await book.append({ kind: 'silence.ended', data: { id: 'silence-1', how: 'expired' } })
  await book.clock.advance(300)
  assert.deepEqual(dues(), [`${id}/0`])
  again({ escalation: [] })
  await book.clock.advance(5 * MINUTE)
  assert.equal(runs.length, 0)
})

test('a wall clock that is set back makes nobody wait longer', async () => {
  const { book, dues } = begin()
  const id = await book.open('agent', 'critical')
  await book.clock.advance(1000)
  book.clock.setWall(-86_400_000)
  await book.clock.advance(5 * MINUTE)
  assert.deepEqual(dues(), [`${id}/0`])
})

test('a storm runs a few programs at a time, every incident gets its own, and little is looked at', async () => {
  const { book, dues, runs, answerWith } = begin({ escalation: TWO.slice(0, 1) })
  let atOnce = 0
  let most = 0
  answerWith(async () => {
    atOnce += 1
    most = Math.max(most, atOnce)
    await book.clock.sleep(1000)
    atOnce -= 1
    return OK
  })
  for (let n = 0; n < 40; n += 1) await book.open(`s${n}`, 'critical')
  await book.clock.advance(5 * MINUTE + 30_000 + 300 + 12_000)
  assert.equal(new Set(runs.map(({ input }) => input.incident.id)).size, 40)
  assert.equal(most, 4)
  await book.clock.advance(2000)
  assert.equal(dues().filter(each => each.endsWith('fallback')).length, 40)
})
