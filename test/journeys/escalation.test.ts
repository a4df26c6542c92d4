import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Incident } from '../../core/incident/fold.ts'
import { CHANNEL, noticesOf } from './notices.ts'
import { makeStand, type Stand } from './stand.ts'

const CRASHES = { run: ['sh', '-c', 'sleep 0.2; exit 3'], critical: true, restart: { backoff: { base: '1s' } } }
const STEP = { afterMs: 1500, unless: 'acked', to: ['telegram'] } as const

interface Page {
  readonly host: string
  readonly incident: Incident
  readonly step: number
  readonly to: readonly string[]
}

/** A program that keeps each page it gets in a file of its own, after a pause. */
function pager(stand: Stand, pauseS = 0) {
  const path = join(stand.root, 'pager.sh')
  const got = join(stand.root, 'page')
  writeFileSync(
    path,
    `n=0; while [ -e ${got}-$n ]; do n=$((n + 1)); done\ncat > ${got}-$n\nsleep ${pauseS}\necho paged\n`,
  )
  return {
    argv: ['/bin/sh', path],
    pages: () =>
      [0, 1, 2, 3].flatMap(n => {
        const text = existsSync(`${got}-${n}`) ? readFileSync(`${got}-${n}`, 'utf8') : ''
        return text.endsWith('\n') ? [JSON.parse(text) as Page] : []
      }),
  }
}

const due = (stand: Stand, isFallback: boolean) =>
  stand.of('escalation.due').filter(({ data }) => data.fallback === isFallback)

test('what the bot confirms needs no fallback; the bot hears of it by the ledger', async t => {
  const stand = await makeStand(t)
  const bot = noticesOf(stand)
  const { argv, pages } = pager(stand)
  stand.configure({ services: { agent: CRASHES } })
  bot.configure({ notice: { channels: [CHANNEL], escalation: [STEP], fallback: argv }, confirmMs: 1500 })
  bot.switchOn('confirms')
  await bot.up()
  const delivered = await stand.wait('the confirmation', () => stand.of('channel.delivered')[0])
  const opened = stand.of('incident.opened').find(({ inc }) => inc === delivered.inc) ?? assert.fail('no incident')
  assert.deepEqual([delivered.data.for, delivered.data.step], ['escalation', 0])
  assert.equal(bot.heard('escalation.due').length, 1)
  const [first] = due(stand, false)
  const afterMs = Date.parse(first?.ts ?? '') - Date.parse(opened.ts)
  assert.ok(afterMs >= 1500 && afterMs < 6000, `due after ${afterMs} ms`)
  await sleep(3000)
  assert.deepEqual([pages().length, due(stand, true).length], [0, 0])
  const incident = (await stand.incidents()).find(({ id }) => id === opened.inc)
  assert.ok(incident?.entries.includes(first?.seq ?? -1), 'the escalation is a step of the incident')
  assert.ok(!incident?.entries.includes(delivered.seq), 'the delivery is not')
  assert.match(await stand.must('incident', opened.inc ?? ''), /escalated, step 1: to telegram/)
  await stand.must('down')
  await stand.verified()
  await stand.nothingLeft()
})

test('with a bot that confirms nothing the fallback program gets the incident as JSON, once', async t => {
  const stand = await makeStand(t)
  const bot = noticesOf(stand)
  const { argv, pages } = pager(stand)
  stand.configure({ services: { agent: CRASHES } })
  bot.configure({ notice: { channels: [CHANNEL], escalation: [STEP], fallback: argv }, confirmMs: 1500 })
  await bot.up()
  const fallback = await stand.wait('the fallback', () => due(stand, true)[0])
  const [page] = pages()
  assert.equal(page?.incident.id, fallback.inc)
  assert.deepEqual([page?.incident.severity, page?.incident.state, page?.step], ['critical', 'open', 0])
  assert.deepEqual(page?.to, ['telegram'])
  assert.deepEqual([fallback.data.result, fallback.data.incident], ['ok', fallback.inc])
  await sleep(2500)
  assert.deepEqual([pages().length, due(stand, false).length, due(stand, true).length], [1, 1, 1])
  assert.match(await stand.must('ledger', 'show', String(fallback.seq)), /paged/)
  await stand.must('down')
  await stand.verified()
  await stand.nothingLeft()
})

test('heald killed between due and fallback, and in the middle of it, still runs it; acknowledging stops what is left', async t => {
  const stand = await makeStand(t)
  const bot = noticesOf(stand)
  const { argv, pages } = pager(stand, 2)
  stand.configure({ services: { agent: CRASHES } })
  const later = { afterMs: 60_000, unless: 'acked', to: [] } as const
  bot.configure({ notice: { channels: [CHANNEL], escalation: [STEP, later], fallback: argv }, confirmMs: 2000 })
  const first = await bot.up()
  await stand.wait('the step', () => due(stand, false)[0])
  await first.kill()
  assert.equal(pages().length, 0)
  const second = await bot.up()
  await stand.wait('the fallback is running', () => pages()[0])
  await second.kill()
  assert.equal(due(stand, true).length, 0)
  await bot.up()
  const fallback = await stand.wait('the fallback again', () => due(stand, true)[0])
  assert.equal(pages().length, 2)
  assert.equal(due(stand, false).length, 1)
  await stand.must('ack', fallback.inc ?? '')
  await stand.must('down')
  await stand.verified()
  await stand.nothingLeft()
})
