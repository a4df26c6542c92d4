import { adoptIncident } from '../../bot/incident-card.ts'
import type { Item } from '../../bot/item.ts'
import { escalate } from '../../bot/pings.ts'
import { looksOf, render } from '../../bot/render.ts'
import { checkpointPost } from '../../bot/render-checkpoint.ts'
import { emptySummary, renderSummary, type Summary, withCard } from '../../bot/summary.ts'
import { receiptOf } from '../../core/ledger/receipt.ts'
import { channelSpec, noticeSpec } from '../bot/stand.ts'
import { sceneOf, wordsIn } from './scene.ts'
import type { Scene } from './scenes.ts'
import { newStory, PLACE, type Story } from './story.ts'

const QUIET_MS = 7 * 3_600_000

/** What needs people, what is kept from them for a while, and text that means harm. */
export function people(): Scene[] {
  return [
    ledger(),
    channel(),
    escalation(),
    continued(),
    silenced(),
    audible(),
    digest(),
    caughtUp(),
    witnessed(),
    hostile(),
  ]
}

function ledger(): Scene {
  const story = newStory(18_204)
  const why = 'entry #18190 is not what the entry after it says it was'
  const cause = `the ledger is damaged: ${why}`
  const data = { id: 'ledger-18204', severity: 'critical', cause, services: [] }
  story.write('incident.opened', data, { svc: 'ledger', inc: 'ledger-18204' })
  return sceneOf('ledger-damaged', 'The record itself was tampered with.', story)
}

function channel(): Scene {
  const story = newStory(880)
  story.open('channel:discord', 'the channel discord is down until somebody changes something: the token is not taken')
  return sceneOf('channel-down', 'A channel that does not work is told on the others.', story)
}

function escalation(): Scene {
  const story = looping(930)
  story.wait(300_000)
  const items = new Map<string, Item>()
  const notice = noticeSpec({ channels: [channelSpec('telegram')] })
  const step = { incident: story.card().id, step: 0, to: ['telegram'] }
  story.step(story.card().id, 'escalation.due', step)
  escalate(items, story.card(), step, { notice, place: PLACE, nowMs: story.nowMs() })
  return sceneOf('escalation', 'Nobody has acknowledged it, so somebody is called.', story, wordsIn(items))
}

function looping(seq: number): Story {
  const story = newStory(seq)
  const failed = 'exited with code 78 after 41 ms'
  const inc = story.open('billing', failed, 'critical')
  story.exit(inc, failed, 1).wait(41).exit(inc, failed, 2, 400).wait(41)
  story.step(inc, 'service.exited', { diagnosis: failed, wanted: false })
  story.step(inc, 'crashloop.detected', { failures: 3, withinMs: 60_000, verdict: 'slow restarts', why: failed })
  const cause = `crash loop: 3 failures within 1 m of being ready; last: ${failed}`
  story.step(inc, 'incident.escalated', { severity: 'critical', cause, step: 'crash loop' })
  return story.step(inc, 'service.restarting', { attempt: 3, delayMs: 30_000, cause: failed })
}

function continued(): Scene {
  const story = newStory(1002)
  const openedTs = new Date(story.nowMs() - 3_600_000).toISOString()
  adoptIncident(story.cards, {
    ...{ id: 'agent-871', severity: 'critical', state: 'acked', services: ['agent'], openedTs, resolvedTs: null },
    ...{ cause: 'crash loop: 3 failures within 1 m of being ready; last: exited with code 1 after 98 ms' },
    ...{ downMs: null, attempts: 14, entries: [], entryCount: 61, ackedBy: 'local:ada', ackedTs: openedTs, how: null },
  })
  story.step('agent-871', 'service.restarting', { attempt: 15, delayMs: 30_000, cause: 'x' })
  return sceneOf('continued', 'The bot lost its memory of what began long before: it goes on, and says so.', story)
}

function silent(): Story {
  const story = newStory(1100)
  const match = { services: ['web-*'], severity: null, kinds: null }
  const untilTs = new Date(story.nowMs() + 2 * 3_600_000).toISOString()
  const data = { id: 'silence-3', match, untilTs, by: 'local:ada', why: 'new disks' }
  return story.write('silence.created', data, { actor: 'local:ada' })
}

function silenced(): Scene {
  return sceneOf('silence-begun', 'A silence says when it begins and until when.', silent())
}

function audible(): Scene {
  const story = silent().wait(2 * 3_600_000)
  const match = { services: ['web-*'], severity: null, kinds: null }
  story.write('silence.ended', { id: 'silence-3', match, how: 'expired', by: '' })
  return sceneOf('silence-over', 'And that it is over.', story)
}

function digest(): Scene {
  return summaryScene('digest', 'What the quiet hours held back, in one message in the morning.', 'quiet hours', [
    ['poller', 4, 'warning'],
    ['agent', 2, 'warning'],
    ['worker', 1, 'warning'],
  ])
}

function caughtUp(): Scene {
  return summaryScene('caught-up', 'A chat that could not be reached hears once of what is over.', 'unreachable', [
    ['api', 3, 'critical'],
    ['agent', 12, 'warning'],
  ])
}

function witnessed(): Scene {
  const origin = 'web-1/heald/8f3c21aa'
  const note = `${origin}\n18204\n${'Qm9vdA7x'.repeat(5)}dU0=\n\n— ${origin} ${'k3VbT9zQ'.repeat(11)}wQ==\n`
  const vkey = `${origin}+5d1e0c7a+${'AbX7'.repeat(11)}`
  const card = checkpointPost(
    { note, size: 18_204, root: '', vkey, receipt: receiptOf(0, '8f3c21aa'.repeat(8)) },
    PLACE,
  )
  const caption = 'After an incident and each day: what shows later whether the record was changed.'
  return { name: 'checkpoint', caption, atMs: newStory(18_204).nowMs(), card, ping: null }
}

type Count = readonly [service: string, count: number, severity: 'warning' | 'critical']

function summaryScene(name: string, caption: string, reason: Summary['reason'], counts: readonly Count[]): Scene {
  const story = newStory(2000)
  let summary = emptySummary(reason, story.nowMs(), 0)
  for (const [service, count, severity] of counts)
    for (let n = 0; n < count; n += 1) {
      const one = newStory(2000 + n).wait((n + 1) * 900_000)
      const inc = one.open(service, 'exited with code 1 after 9 m', severity)
      one.wait(410 * (n + 1)).step(inc, 'incident.resolved', { downMs: 410 * (n + 1), how: 'restarted' })
      summary = withCard(summary, one.card(), looksOf(one.card(), PLACE).title)
    }
  summary = { ...summary, toMs: Math.max(summary.toMs, story.nowMs() + QUIET_MS / 2) }
  return { name, caption, atMs: story.nowMs() + QUIET_MS, card: renderSummary(summary, PLACE), ping: null }
}

function hostile(): Scene {
  const story = newStory(666)
  const said =
    'exited with code 1 after 5 s; it last wrote: <b>@everyone</b> *all* _is_ ~well~ `rm -rf` [click](https://evil.example) <!channel> \u202eresu eht kcirt\u202c \u001b[2J'
  const inc = story.open('parser', said)
  story.exit(inc, said, 1)
  const { nowMs, card } = story
  const caption = 'Text of a service that means harm is shown as text.'
  return { name: 'hostile-text', caption, atMs: nowMs(), card: render(card(), PLACE), ping: null }
}
