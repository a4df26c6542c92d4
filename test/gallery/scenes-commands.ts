import { answerOf } from '../../bot/commands/table.ts'
import { createLinks } from '../../bot/links.ts'
import { helpFor } from '../../core/command/help-words.ts'
import type { Args, Platform } from '../../core/command/port.ts'
import { projectionOf } from '../../core/command/projection.ts'
import type { Word } from '../../core/command/words.ts'
import type { Data, Entry, Json } from '../../core/entry.ts'
import { sceneOf } from './scene.ts'
import type { Scene } from './scenes.ts'
import { newStory, PLACE, type Story } from './story.ts'

const R41 = { generation: 'r41', path: '/srv/site/releases/r41' }
const R42 = { generation: 'r42', path: '/srv/site/releases/r42' }
const R43 = { generation: 'r43', path: '/srv/site/releases/r43' }
const STAMP = 'b3f1.2c'

/** Orders on their cards, and answers to words, as one platform shows them. */
export function commands(platform: Platform): Scene[] {
  return [waiting(), done(), refused(), help(platform), ledger(platform), stranger(platform)]
}

/** What a rollback of `site` is asked against. */
function seen(current: Json): Json {
  const { hash, facts } = projectionOf({ target: 'site', current, to: R41, switch: 'idle', frozen: false })
  return { hash, facts }
}

function offer(word: 'approve' | 'deny' | 'rollback', label: string, style: string, code: boolean): Json {
  const args = word === 'rollback' ? { target: 'site', to: 'r41' } : { id: 'c17' }
  return { button: `b-${word}-${STAMP}`, word, args, label, style, code, expiresTs: '2026-11-18T02:14:00.000Z' }
}

function asked(needs: Json): Story {
  const who = { by: 'slack:T01AB2CD3/U01AB2CD3', operator: 'carol', role: 'operator', via: 'slack' }
  return newStory(2201).write('command.requested', {
    ...{ id: 'c17', verb: 'rollback', args: { target: 'site', to: 'r41' }, ...who, dedupeKey: 'slack:A1:1.2.3' },
    ...{ seen: seen(R42), expiresTs: '2026-11-17T02:24:07.180Z', needs, prevCommand: '0'.repeat(64) },
  })
}

function awaiting(): Story {
  const needs = { approvals: 1, code: true }
  const offers = [offer('approve', 'Approve', 'primary', true), offer('deny', 'Deny', 'danger', false)]
  return asked(needs).wait(8).write('command.awaiting', { id: 'c17', needs, offers })
}

function waiting(): Scene {
  return sceneOf('command-waits', 'An order that needs the approval of somebody else, with a code.', awaiting())
}

function done(): Scene {
  const story = awaiting().wait(41_000)
  const by = { by: 'telegram:1001', operator: 'alice', codeStep: 58_794_000 }
  story.write('command.approved', { id: 'c17', ...by, offers: [] }).wait(6)
  story.write('command.started', { id: 'c17' }).wait(2740)
  const result = { outcome: 'rolled back', current: R41, tookMs: 2731 }
  story.write('command.succeeded', { id: 'c17', result, offers: [] })
  return sceneOf('command-done', 'The same, approved and done. Its receipt stands below.', story)
}

function refused(): Scene {
  const story = asked({ approvals: 0, code: false }).wait(9)
  const why = 'not done, since the state has changed: current was r42 and is r43'
  const offers = [offer('rollback', 'Roll back to r41', 'danger', false)]
  story.write('command.failed', { id: 'c17', why, code: 'command.changed', changedTo: seen(R43), offers })
  return sceneOf('command-refused', 'Meanwhile another release runs: nothing is done, and it asks again.', story)
}

function help(platform: Platform): Scene {
  return answered(platform, 'help', 'What can be said, with a button to the next page.', 'help', {}, helpFor(null))
}

function ledger(platform: Platform): Scene {
  const lines = entries().map(entry => JSON.stringify(entry))
  const data = { lines, next: 'svc:web to:2187' }
  const caption = 'A query of the ledger; its buttons turn pages, and show an entry.'
  return answered(platform, 'ledger', caption, 'ledger svc:web', { filter: 'svc:web' }, data)
}

/** The newest first. */
function entries(): Entry[] {
  const inc = 'web-2188'
  const steps: readonly [string, Data][] = [
    ['incident.opened', { id: inc, severity: 'warning', cause: 'exited with code 1 after 12 m', services: ['web'] }],
    ['service.exited', { diagnosis: 'exited with code 1 after 12 m', wanted: false, rssBytes: 17_735_680 }],
    ['service.restarting', { attempt: 1, delayMs: 0, cause: 'exited with code 1 after 12 m' }],
    ['service.started', { pid: 7426, attempt: 1, standby: true }],
    ['service.ready', { pid: 7426, readyMs: 81.4 }],
    ['incident.resolved', { downMs: 88.1, how: 'restarted' }],
  ]
  const startMs = newStory().nowMs() - 3_600_000
  return steps
    .map(([kind, data], at): Entry => {
      const ts = new Date(startMs + at * 17).toISOString()
      const h = `${at}9c41f07de25b8a63`.repeat(4).slice(0, 64)
      return { v: 1, seq: 2188 + at, prev: h, ts, mono: 0, boot: '27afce54', kind, svc: 'web', inc, data, h } as Entry
    })
    .toReversed()
}

function stranger(platform: Platform): Scene {
  const ids = { telegram: '1002', discord: '175928847299117064', slack: 'T01AB2CD3/U04EF5GH6' }
  const id = ids[platform]
  const data = {
    ...{ by: `${platform}:${id}`, operator: null, role: null, words: [], codes: 'none' },
    line: `${platform}: ${platform === 'telegram' ? id : JSON.stringify(id)}`,
  }
  const caption = 'Somebody whom heald does not know is told what an admin has to write.'
  return answered(platform, 'whoami-unknown', caption, 'whoami', {}, data)
}

function answered(platform: Platform, name: string, caption: string, line: string, args: Args, data: unknown): Scene {
  const nowMs = newStory().nowMs()
  const showing = { place: PLACE, nowMs, platform, line, page: 1, links: createLinks(), hasLogs: false }
  const word = line.split(' ')[0] as Word
  const { message } = answerOf({ reply: 'answer', word, args, data }, showing)
  const said = platform === 'slack' ? `/heald ${line}` : `/${line}`
  return { name, caption, atMs: nowMs, card: message, ping: null, said }
}
