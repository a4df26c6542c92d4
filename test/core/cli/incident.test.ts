import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run as runIncident } from '../../../core/cli/incident.ts'
import { run as runIncidents } from '../../../core/cli/incidents.ts'
import { bootId, systemClock } from '../../../core/clock.ts'
import type { IncidentRef } from '../../../core/entry.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { temporaryFolder } from '../api/stand.ts'
import { opened } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

/** A state folder whose ledger holds one healed crash, written by the real writer and then closed. */
async function stateWithIncident(t: TestContext): Promise<{ state: string; id: string }> {
  const state = temporaryFolder(t)
  const ledger = await openLedger({
    dir: join(state, 'ledger'),
    host: 'web-1',
    version: '0.1.0',
    clock: systemClock,
    bootId: bootId(),
    redact: [],
    fsync: false,
  })
  const inc: IncidentRef = { svc: 'agent' }
  ledger.append({
    kind: 'incident.opened',
    svc: 'agent',
    inc,
    opens: true,
    data: { severity: 'warning', cause: 'killed by SIGKILL', services: ['agent'] },
  })
  ledger.append({
    kind: 'service.exited',
    svc: 'agent',
    inc,
    data: { signal: 'SIGKILL', exit: 'signal' },
    tail: 'last words \x1b[2J\nthe end\n',
  })
  ledger.append({ kind: 'service.restarting', svc: 'agent', inc, data: { attempt: 1, delayMs: 0 } })
  ledger.append({ kind: 'service.started', svc: 'other', data: { pid: 9 } })
  await ledger.append({ kind: 'incident.resolved', svc: 'agent', inc, data: { downMs: 4.2, how: 'restarted' } })
  await ledger.close(10_000)
  return { state, id: `agent-${inc.seq}` }
}

test('without a daemon, incidents are told from the ledger files', async t => {
  const { state, id } = await stateWithIncident(t)
  const list = paperContext({ state, socket: join(state, 'heald.sock') })
  assert.equal(await runIncidents(list.context, [], {}), 0)
  assert.match(list.err(), /does not answer/)
  assert.match(list.out(), new RegExp(`^${id} +○ resolved +warning .* 4.2 ms +1 +killed by SIGKILL$`, 'm'))

  const one = paperContext({ state, socket: join(state, 'heald.sock') })
  assert.equal(await runIncident(one.context, [id], {}), 0)
  const told = one.out()
  assert.match(told, /Cause +killed by SIGKILL\n[\s\S]*Host +web-1\n[\s\S]*Down for +4.2 ms\n/)
  assert.match(told, /\+0 ms {2}incident opened \(warning\): killed by SIGKILL #\d/)
  assert.match(told, /agent was killed by SIGKILL #\d+\n +│ last words ␛\[2J\n +│ the end\n/)
  assert.match(told, /resolved: restarted, down for 4.2 ms #\d+\n$/)
  assert.doesNotMatch(told, /other/)

  const narrow = paperContext({ state, socket: join(state, 'heald.sock'), columns: 32 })
  await runIncident(narrow.context, [id], {})
  assert.match(narrow.out(), /incident opened\n +\(warning\): killed by\n +SIGKILL #\d+\n/, 'wrapped, not cut')
  assert.match(narrow.out(), /Opened {10}20\d\d-\d\d-\d\d\n {18}\d\d:/)
  assert.ok(
    narrow
      .out()
      .split('\n')
      .every(line => line.length <= 32),
    narrow.out(),
  )

  const json = paperContext({ state, socket: join(state, 'heald.sock'), json: true })
  await runIncident(json.context, [id], {})
  const parsed = JSON.parse(json.out()) as {
    id: string
    entries: number[]
    timeline: { kind: string; tail: string | null; receipt: string }[]
  }
  assert.deepEqual([parsed.id, parsed.entries.length, parsed.timeline.length], [id, 4, 4])
  assert.deepEqual(parsed.timeline[1]?.tail, 'last words \x1b[2J\nthe end\n')
  assert.match(parsed.timeline[1]?.receipt ?? '', /^#\d+·[a-z2-7]{26}$/)

  for (const [report, beginning] of [
    ['md', '# Incident agent-'],
    ['html', '<!doctype html>'],
  ] as const) {
    const document = paperContext({ state, socket: join(state, 'heald.sock') })
    await runIncident(document.context, [id], { report })
    assert.ok(document.out().startsWith(beginning))
  }
})

test('an unknown incident is answered with the nearest; a damaged entry is left out, and said to be', async t => {
  const { state, id } = await stateWithIncident(t)
  const socket = join(state, 'heald.sock')
  await assert.rejects(runIncident(paperContext({ state, socket }).context, [id.replace('agent', 'agnt')], {}), {
    code: 'incident.unknown',
    hint: `Did you mean "${id}"?`,
  })
  const segment = join(state, 'ledger', 'seg', '000000000000.jsonl')
  writeFileSync(segment, readFileSync(segment, 'utf8').replace('"signal":"SIGKILL"', '"signal":"SIGTERM"'))
  const { context, out, err } = paperContext({ state, socket })
  assert.equal(await runIncident(context, [id], {}), 0)
  assert.doesNotMatch(out(), /SIGTERM/)
  assert.match(out(), /resolved: restarted/)
  assert.match(err(), /damaged lines of the ledger were left out: 1/)
})

test('with neither daemon nor ledger it is said where was looked', async t => {
  const state = temporaryFolder(t)
  const { context } = paperContext({ state, socket: join(state, 'heald.sock') })
  await assert.rejects(runIncidents(context, [], {}), {
    code: 'daemon.unreachable',
    message: /no ledger in .*\/ledger to read instead/,
  })
})

test('what a quarantined generation had changed is shown, cut to the terminal, and nothing in it is obeyed', async t => {
  const state = temporaryFolder(t)
  const ledger = await opened(t, join(state, 'ledger'))
  const inc: IncidentRef = { svc: 'agent' }
  const data = { severity: 'critical', cause: 'a crash loop', services: ['agent'] }
  ledger.append({ kind: 'incident.opened', svc: 'agent', inc, opens: true, data })
  const [from, to] = ['release-7', 'release-6'].map(generation => ({ generation, path: `/srv/web/${generation}` }))
  await ledger.append({ kind: 'rollback.started', inc, data: { target: 'web', from, to, cause: 'crashloop' } })
  const diff = ['+ \x1b[2J<script>', '- `old`', `+ ${'x'.repeat(200)}`]
  await ledger.append({ kind: 'generation.quarantined', inc, data: { target: 'web', ...from, diff } })
  const [id, socket] = [`agent-${inc.seq}`, join(state, 'heald.sock')]

  const wide = paperContext({ state, socket })
  await runIncident(wide.context, [id], {})
  assert.match(wide.out(), /Rolled back +web from release-7 to release-6\n/)
  assert.match(
    wide.out(),
    /\n\nWhat changed\nrelease-7 of web, which is quarantined, had changed:\n {2}│ \+ ␛\[2J<script>\n {2}│ - `old`\n/,
  )
  assert.match(wide.out(), /web is being rolled back to release-6 \(crash loop\) #\d/)
  const narrow = paperContext({ state, socket, columns: 40 })
  await runIncident(narrow.context, [id], {})
  assert.match(narrow.out(), /^ {2}│ \+ x+…$/m)
  assert.ok(
    narrow
      .out()
      .split('\n')
      .every(line => line.length <= 40),
  )

  const json = paperContext({ state, socket, json: true })
  await runIncident(json.context, [id], {})
  const parsed = JSON.parse(json.out()) as { changed: unknown; rolledBack: unknown }
  assert.deepEqual(parsed.rolledBack, [{ target: 'web', from: 'release-7', to: 'release-6' }])
  assert.deepEqual(parsed.changed, [{ target: 'web', generation: 'release-7', lines: diff, more: 0 }])
})

test('what a service wrote is left out of what goes elsewhere', async t => {
  const { state, id } = await stateWithIncident(t)
  for (const values of [{}, { report: 'md' }, { report: 'html' }]) {
    for (const isOut of [true, false]) {
      const { context, out } = paperContext({ state, socket: join(state, 'heald.sock') })
      assert.equal(await runIncident(context, [id], { ...values, ...(isOut ? { 'without-lines': true } : {}) }), 0)
      assert.equal(out().includes('last words'), !isOut, JSON.stringify(values))
    }
  }
})
