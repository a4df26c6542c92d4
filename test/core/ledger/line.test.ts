import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Data } from '../../../core/entry.ts'
import { checkLine, MAX_LINE_BYTES, safeJson, ZEROS } from '../../../core/ledger/line.ts'
import { prepare } from '../../../core/ledger/prepare.ts'
import { scrubber } from '../../../core/ledger/redact.ts'
import { lineOf, written } from './stand.ts'

const STAMP = { seq: 0, prev: ZEROS, ts: '2026-08-21T11:08:30.123Z', mono: 1, boot: 'abcdef01' }
const none = scrubber([])

const built = (middle: string) => lineOf(STAMP, middle)

test('a line is what sed and sha256sum can check', async t => {
  const dir = await written(t, 3)
  const script = `
    prev=${ZEROS}
    while IFS= read -r line; do
      h=$(printf '%s' "$line" | sed 's/,"h":"[0-9a-f]\\{64\\}"}$//' | sha256sum | cut -c1-64)
      case $line in *",\\"h\\":\\"$h\\"}") ;; *) echo "bad hash: $line"; exit 1;; esac
      case $line in *"\\"prev\\":\\"$prev\\","*) ;; *) echo "bad prev: $line"; exit 1;; esac
      prev=$h
    done < "$1"
    echo "$prev"`
  const out = execFileSync('sh', ['-c', script, 'sh', join(dir, 'seg/000000000000.jsonl')], { encoding: 'utf8' })
  assert.match(out, /^[0-9a-f]{64}\n$/)
})

test('whatever a service says, the line stays one line, in order, and says it back', () => {
  const anything = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }))
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), anything, (said, nested) => {
      const data = { diagnosis: said, exit: nested } as unknown as Data
      const item = prepare({ kind: 'service.exited', svc: 'api', data }, none)
      const { text, h } = built(item.front + item.back + item.dataText)
      assert.ok(text.endsWith('\n') && text.indexOf('\n') === text.length - 1)
      assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/)
      const checked = checkLine(text.slice(0, -1))
      assert.ok(checked.ok, JSON.stringify(checked))
      assert.equal(checked.entry.h, h)
      assert.deepEqual(checked.entry.data, JSON.parse(JSON.stringify(data)))
    }),
    { numRuns: 100 },
  )
})

test('a key can not be made to stand there twice', () => {
  const forged = `"kind":"service.exited","svc":"api","actor":"heald","data":{"pid":1},"svc":"db","data":{"pid":2}`
  const { text } = built(forged)
  const checked = checkLine(text.slice(0, -1))
  assert.equal(checked.ok, false, 'its hash is right, its keys are not')
  for (const svc of ['a","svc":"b', 'a"b', 'a\\', '', 'x'.repeat(65), 'a b', '\u202eapi'])
    assert.throws(() => prepare({ kind: 'service.exited', svc, data: {} }, none), { code: 'ledger.bad-entry' })
  for (const actor of ['a"b', 'a\nb', '', 'x'.repeat(200)])
    assert.throws(() => prepare({ kind: 'service.exited', actor, data: {} }, none), { code: 'ledger.bad-entry' })
  for (const inc of ['api', 'api-', 'a"-1'])
    assert.throws(() => prepare({ kind: 'service.exited', inc, data: {} }, none), { code: 'ledger.bad-entry' })
})

test('long texts are cut before hashing, and said to be; what can not be cut is refused', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', minLength: 2000, maxLength: 30_000 }), { minLength: 1, maxLength: 8 }),
      texts => {
        const item = prepare({ kind: 'crashloop.detected', data: { why: texts, verdict: 'x'.repeat(20_000) } }, none)
        const { text } = built(item.front + item.back + item.dataText)
        assert.ok(Buffer.byteLength(text) <= MAX_LINE_BYTES)
        const checked = checkLine(text.slice(0, -1))
        assert.ok(checked.ok)
        assert.equal(checked.entry.data.cut, true)
      },
    ),
    { numRuns: 50 },
  )
  const numbers = Array.from({ length: 9000 }, (_, n) => n)
  assert.throws(() => prepare({ kind: 'crashloop.detected', data: { why: numbers } }, none), {
    code: 'ledger.bad-entry',
  })
})

test('every change of a line is seen', () => {
  const item = prepare({ kind: 'service.exited', svc: 'api', data: { pid: 1, diagnosis: 'ünï' } }, none)
  const line = Buffer.from(built(item.front + item.back + item.dataText).text.slice(0, -1))
  for (let at = 0; at < line.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(line)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit)
      assert.equal(checkLine(flipped.toString()).ok, false, `byte ${at}, bit ${bit}`)
    }
  }
})

test('what could steer a terminal is escaped, and reads back', () => {
  const text = safeJson('\u007f\u0085\u009b\u2028\u2029é')
  assert.equal(text, '"\\u007f\\u0085\\u009b\\u2028\\u2029é"')
  assert.equal(JSON.parse(text), '\u007f\u0085\u009b\u2028\u2029é')
})
