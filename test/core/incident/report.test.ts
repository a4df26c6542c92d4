import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../../core/entry.ts'
import { allIncidents, applyEntry, emptyIncidents } from '../../../core/incident/fold.ts'
import { reportHtml, reportMarkdown } from '../../../core/incident/report.ts'
import { timeline } from '../../../core/incident/timeline.ts'

const H = 'ab'.repeat(32)
const EVIL = '</pre><script>alert(1)</script> **bold** [x](http://evil) ``` \x1b[2J\u202e'

function entry(seq: number, monoMs: number, kind: Entry['kind'], data: Entry['data'], boot = '00000001'): Entry {
  const ts = new Date(Date.UTC(2026, 7, 21, 11, 8, 30) + monoMs).toISOString()
  return {
    v: 1,
    seq,
    prev: H,
    ts,
    mono: (boot === '00000001' ? monoMs : 7) * 1000,
    boot,
    kind,
    svc: 'agent',
    inc: 'agent-1',
    data,
    h: H,
  }
}

const entries = [
  entry(1, 0, 'incident.opened', { severity: 'warning', cause: EVIL, services: ['agent'] }),
  entry(2, 1.2, 'service.exited', { diagnosis: `it said ${EVIL}`, tail: { sha256: H, bytes: 9 } }),
  entry(3, 1250, 'service.recovered', { downMs: 14 }),
  entry(4, 90_000, 'incident.resolved', { downMs: 14, how: 'recovered' }, '00000002'),
]

function report() {
  const state = emptyIncidents()
  for (const one of entries) applyEntry(state, one)
  const [incident] = allIncidents(state)
  assert.ok(incident)
  const steps = timeline(entries, one =>
    one.kind === 'service.exited' ? `first line\n${EVIL}\n\`\`\`\n<script>` : null,
  )
  return { host: 'web-1', incident, steps, missing: 0 }
}

test('steps carry the time since the first one, by the wall clock after a reboot', () => {
  assert.deepEqual(
    report().steps.map(step => step.offset),
    ['+0 ms', '+1.2 ms', '+1.3 s', '+1 m 30 s'],
  )
})

test('the HTML report escapes all that a service wrote and loads nothing', () => {
  const page = reportHtml(report())
  assert.doesNotMatch(page, /<script|src=|href=|\x1b|\u202e/)
  assert.match(page, /&lt;script&gt;alert\(1\)/)
  assert.match(page, /<pre>first line\n&lt;\/pre&gt;/)
  assert.match(page, /default-src 'none'/)
})

test('the Markdown report keeps what a service wrote from becoming markup', () => {
  const text = reportMarkdown(report())
  assert.match(text, /^# Incident agent-1$/m)
  const outside = text.replace(/^ {2}(`{3,})\n[\s\S]*?\n {2}\1$/gm, '')
  assert.notEqual(outside, text, 'the last lines stand in a fenced block that their own backticks do not end')
  assert.doesNotMatch(outside, /<script|(?<!\\)\[x|(?<!\\)\*\*bold|\x1b|\u202e/)
  assert.match(outside, /\*\*\+1\.2 ms\*\*/)
})
