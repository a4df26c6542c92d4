import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../../core/entry.ts'
import { allIncidents, applyEntry, emptyIncidents } from '../../../core/incident/fold.ts'
import { reportHtml, reportMarkdown } from '../../../core/incident/report.ts'
import { timeline } from '../../../core/incident/timeline.ts'
import { rolledBack, whatChanged } from '../../../core/incident/what-changed.ts'

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

function report(more: readonly Entry[] = []) {
  const state = emptyIncidents()
  for (const one of entries) applyEntry(state, one)
  const [incident] = allIncidents(state)
  assert.ok(incident)
  const steps = timeline(entries, one =>
    one.kind === 'service.exited' ? `first line\n${EVIL}\n\`\`\`\n<script>` : null,
  )
  const story = { steps, rolledBack: rolledBack(more), changed: whatChanged(more) }
  return { host: 'web-1', incident, ...story, missing: 0, warnings: [] }
}

test('steps carry the time since the first one, by the wall clock after a reboot', () => {
  assert.deepEqual(
    report().steps.map(step => step.offset),
    ['+0 ms', '+1.2 ms', '+1.3 s', '+1 m 30 s'],
  )
})

test('the HTML report draws the incident: a mark for each step, bars for how long, all of it escaped', () => {
  const page = reportHtml(report())
  const svg = /<svg[\s\S]*<\/svg>/.exec(page)?.[0] ?? ''
  assert.match(svg, /aria-label="4 steps within 1 m 30 s"/)
  assert.equal(svg.match(/<circle /g)?.length, 4)
  const xs = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x))
  assert.deepEqual(
    xs,
    xs.toSorted((a, b) => a - b),
  )
  assert.match(svg, /<rect class="bad"[^>]*><title>down for 1\.2\d* s<\/title>/)
  assert.match(svg, />100 ms<.*>1 s</s)
  assert.doesNotMatch(svg, /<script|\x1b|\u202e|NaN|Infinity/)
  // What a service wrote is in it, but as text.
  assert.match(svg, /&lt;script&gt;/)
})

test('an incident of one step, and one of very many, can be drawn', () => {
  const one = { ...report(), steps: report().steps.slice(0, 1) }
  assert.match(reportHtml(one), /<circle cx="70"/)
  const [step] = report().steps
  assert.ok(step)
  const many = Array.from({ length: 500 }, (_, n) => ({ ...step, seq: n, offsetMs: n * 1000, kind: 'service.exited' }))
  const page = reportHtml({ ...report(), steps: many })
  assert.equal(page.match(/<circle /g)?.length, 500)
  assert.doesNotMatch(reportHtml({ ...report(), steps: [] }), /<svg/)
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

const BACK = {
  target: 'web',
  from: { generation: 'release-7', path: '/srv/web/releases/release-7' },
  to: { generation: 'release-6', path: '/srv/web/releases/release-6' },
}
const DIFF = [
  '+ <script>alert(1)</script>',
  '- ```',
  '````',
  '+ \x1b[2Jgone\u202e',
  '</pre><b>',
  'one\ntwo',
  '<!-- &amp;',
]

test('what a quarantined generation had changed is a section, and its lines stay lines', () => {
  const more = [
    entry(5, 0, 'rollback.started', { ...BACK, cause: 'crashloop' }),
    entry(6, 0, 'generation.quarantined', { target: 'web', generation: 'release-7 <b>', path: '/srv', diff: DIFF }),
  ]
  const page = reportHtml(report(more))
  assert.match(page, /<th>Rolled back<\/th><td>web from release-7 to release-6<\/td>/)
  assert.match(
    page,
    /<h2>What changed<\/h2>\n<p>release-7 &lt;b&gt; of web, which is quarantined, had changed:<\/p>\n<pre>/,
  )
  assert.match(
    page,
    /\+ &lt;script&gt;alert\(1\)&lt;\/script&gt;\n- ```\n````\n\+ ␛\[2Jgone&lt;202e&gt;\n&lt;\/pre&gt;&lt;b&gt;\none two\n/,
  )
  assert.doesNotMatch(page, /<script|<b>|\x1b|\u202e/)

  const text = reportMarkdown(report(more))
  assert.match(text, /\| Rolled back \| web from release-7 to release-6 \|/)
  const [, section = ''] = /^## What changed\n([\s\S]*?)^## Timeline$/m.exec(text) ?? []
  const [, fence = '', inside = ''] = /^(`{3,})\n([\s\S]*?)\n\1$/m.exec(section) ?? []
  assert.equal(fence, '`````', 'longer than any run of backticks in it')
  assert.equal(inside.split('\n').length, DIFF.length)
  assert.doesNotMatch(section.replace(`${fence}\n${inside}\n${fence}`, ''), /<b>|<script/)
  assert.doesNotMatch(section, /\x1b|\u202e/)
})

test('much that changed is cut, and odd fields are no section', () => {
  const long = Array.from({ length: 100 }, (_, n) => `+ ${n} ${'x'.repeat(1000)}`)
  const quarantined = (diff: Entry['data'][string]) => entry(6, 0, 'generation.quarantined', { diff, path: '/srv/7' })
  const [change] = whatChanged([quarantined(long)])
  assert.deepEqual([change?.lines.length, change?.more, change?.generation], [40, 60, '/srv/7'])
  assert.ok(change?.lines.every(line => line.length <= 400 && line.endsWith('…')))
  assert.match(reportMarkdown(report([quarantined(long)])), /\n… and 60 more lines\n```\n/)
  assert.equal(whatChanged(Array.from({ length: 50 }, () => quarantined(['+ a']))).length, 4)
  for (const diff of [undefined, null, 'text', 7, [], [null, 7], { a: 1 }]) {
    const without = report([quarantined(diff), entry(7, 0, 'generation.good', { diff: ['+ good'] })])
    assert.doesNotMatch(reportHtml(without) + reportMarkdown(without), /What changed|Rolled back|good/)
  }
  assert.deepEqual(rolledBack([entry(8, 0, 'rollback.started', { target: 7, from: null, to: [] })]), [
    { target: 'a target', from: null, to: null },
  ])
})
