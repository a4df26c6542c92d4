import { parseArgs } from 'node:util'
import { table } from '../../core/cli/table.ts'
import { describeMachine } from './machine.ts'
import { type BenchRow, isMet } from './row.ts'
import { makeSite, type Site } from './site.ts'
import { isSmall } from './size.ts'

// Life of a benchmark
// 1. Each measure gets a temporary folder, starts what it measures, ours and the peer in the same run, and ends it.
// 2. Its rows are printed when all are there, on standard output; how far it is goes to standard error.
// 3. The exit code is 0 whatever the figures are: this is a report. 1 means that something could not be measured.
//
// npm run bench                    everything (about twenty minutes)
// npm run bench -- health ledger   only the measures with one of these words in their name
// npm run bench -- --json          one JSON document
// HEALD_BENCH=small npm run bench  small counts

interface Measure {
  readonly name: string
  readonly run: (site: Site) => Promise<BenchRow[]>
}

const MEASURES: readonly Measure[] = [
  { name: 'replacement', run: async site => (await import('./replacement.ts')).measureReplacement(site) },
  { name: 'health', run: async site => (await import('./healthy.ts')).measureHealth(site) },
  { name: 'crowd', run: async site => (await import('./crowd.ts')).measureCrowd(site) },
  { name: 'units', run: async site => (await import('./units.ts')).measureUnits(site) },
  { name: 'rollback', run: async site => (await import('./rollback.ts')).measureRollback(site) },
  { name: 'idle-target', run: async site => (await import('./idle-target.ts')).measureIdleTarget(site) },
  { name: 'notice', run: async site => (await import('./notice.ts')).measureNotice(site) },
  { name: 'storm', run: async site => (await import('./notice.ts')).measureStorm(site) },
  { name: 'botless', run: async site => (await import('./notice.ts')).measureBotless(site) },
  { name: 'commands', run: async site => (await import('./commands.ts')).measureCommands(site) },
  { name: 'full-disk', run: async site => (await import('./notice.ts')).measureFullDisk(site) },
  { name: 'ledger', run: async site => (await import('./ledger.ts')).rows(site) },
]

const { values, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
})
const chosen = MEASURES.filter(({ name }) => patterns.length === 0 || patterns.some(pattern => name.includes(pattern)))
if (chosen.length === 0) {
  process.stderr.write(`bench: there is no such measure; there are: ${MEASURES.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}

const machine = { ...describeMachine(), counts: isSmall ? 'small (HEALD_BENCH=small)' : 'full' }
const rows: BenchRow[] = []
const failures: { readonly measure: string; readonly why: string }[] = []
let current: Site | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.stderr.write(`bench: ${signal}: ending what was started\n`)
    const leave = () => process.exit(1)
    if (current === undefined) leave()
    else current.clean().then(leave, leave)
  })
}

for (const { name, run } of chosen) {
  process.stderr.write(`bench: ${name}\n`)
  const attempts = [
    async () => {
      current = makeSite(name)
      rows.push(...(await run(current)))
    },
    async () => current?.clean(),
  ]
  for (const attempt of attempts) {
    try {
      await attempt()
    } catch (error) {
      failures.push({ measure: name, why: wordsOf(error) })
      process.stderr.write(`bench: ${name} failed: ${wordsOf(error)}\n`)
    }
  }
  current = undefined
}
process.stdout.write(values.json ? asJson() : asText())
process.exit(failures.length > 0 ? 1 : 0)

function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return `${error.message}: ${error.errors.map(wordsOf).join('; ')}`
  return error instanceof Error ? error.message : String(error)
}

function asJson(): string {
  const judged = rows.map(row => ({ ...row, met: isMet(row) }))
  return `${JSON.stringify({ machine, rows: judged, failures }, null, 2)}\n`
}

function asText(): string {
  const head = Object.entries(machine).map(([name, words]) => `${name}: ${words}`)
  const notes = rows.filter(row => row.note !== '').map(row => `  ${row.what}: ${row.note}.`)
  const body = table(
    [
      { title: 'WHAT' },
      { title: 'OURS', align: 'right' },
      { title: 'PEER', align: 'right' },
      { title: 'RATIO', align: 'right' },
      { title: 'TO REACH', align: 'right' },
      { title: '' },
    ],
    rows.map(row => [row.what, figure(row.ours, row.unit), peerOf(row), ratioOf(row), limitOf(row), verdictOf(row)]),
    Number.POSITIVE_INFINITY,
    false,
  )
  const judged = rows.filter(row => row.limit !== null)
  const met = judged.filter(isMet).length
  return [
    ...head,
    '',
    body,
    'How it was measured:',
    ...notes,
    '',
    ...failures.map(({ measure, why }) => `Not measured: ${measure}: ${why}`),
    `${met} of ${judged.length} figures reached.`,
    '',
  ].join('\n')
}

function figure(value: number, unit: string): string {
  if (Number.isNaN(value)) return 'not measured'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  const text = value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return `${text} ${unit}`
}

function peerOf({ peer, unit }: BenchRow): string {
  return peer === null ? '–' : `${peer.name}: ${figure(peer.value, unit)}`
}

function ratioOf({ ratio }: BenchRow): string {
  return ratio === null ? '–' : `${ratio.toFixed(2)} ×`
}

function limitOf({ limit, unit }: BenchRow): string {
  if (limit === null) return '–'
  const [sign, value] = 'atMost' in limit ? ['≤', limit.atMost] : ['≥', limit.atLeast]
  return `${sign} ${limit.of === 'ratio' ? `${value} ×` : `${value.toLocaleString('en-GB')} ${unit}`}`
}

function verdictOf(row: BenchRow): string {
  const met = isMet(row)
  if (met === null) return 'for information'
  return met ? '✓ reached' : '✗ not reached'
}
