import { cleanLine } from '../cli/text.ts'
import { spanOf } from './measure.ts'
import type { Step } from './timeline.ts'

/*
 * An incident as one picture: a line of time with a mark for each step, and bars for how long the service was down and how
 * long a switch took. Much happens within milliseconds and then nothing for minutes, so the line is logarithmic; its ticks
 * say so. Plain SVG: no script, no font, nothing from elsewhere; every text in it is escaped by `text`.
 */

const WIDTH = 960
const LEFT = 70
const RIGHT = 940
const AXIS = 96
const HEIGHT = 124

const TICKS: readonly (readonly [ms: number, label: string])[] = [
  [1, '1 ms'],
  [10, '10 ms'],
  [100, '100 ms'],
  [1000, '1 s'],
  [10_000, '10 s'],
  [60_000, '1 min'],
  [600_000, '10 min'],
  [3_600_000, '1 h'],
  [86_400_000, '1 d'],
]

/** What a mark looks like: by shape and sign, so that nothing is told by colour alone. */
const SIGNS: readonly (readonly [
  pattern: RegExp,
  kind: 'bad' | 'well' | 'change' | 'person' | 'plain',
  sign: string,
])[] = [
  [/^(service\.(exited|hung|unhealthy|held)|crashloop|incident\.opened|(switch|rollback)\.(failed|held))/, 'bad', '×'],
  [/^(service\.(recovered|ready)|incident\.resolved|switch\.committed|rollback\.verified)/, 'well', '✓'],
  [/^(switch|rollback|generation|deadman)\./, 'change', '↷'],
  [/^(incident\.(acked|escalated)|command|freeze|silence)/, 'person', '☺'],
]

/** The picture; '' when there is nothing to draw. `text` escapes for HTML. */
export function timelineSvg(steps: readonly Step[], text: (raw: string) => string): string {
  const last = steps.at(-1)
  if (last === undefined) return ''
  const endMs = Math.max(1, ...steps.map(step => step.offsetMs))
  const x = (ms: number) => round(LEFT + (Math.log1p(Math.max(0, ms)) / Math.log1p(endMs)) * (RIGHT - LEFT))
  const ticks = TICKS.filter(([ms]) => ms <= endMs).map(
    ([ms, label]) =>
      `<line class="tick" x1="${x(ms)}" x2="${x(ms)}" y1="${AXIS - 5}" y2="${AXIS + 5}"/><text class="small" x="${x(ms)}" y="${AXIS + 18}" text-anchor="middle">${label}</text>`,
  )
  const bars = [
    ...spans(steps, /^service\.(exited|hung|unhealthy)$/, /^service\.(recovered|ready)$|^incident\.resolved$/).map(
      ([from, to]) => bar(x(from), x(to), 24, 'bad', `down for ${spanOf(to - from)}`, text),
    ),
    ...spans(
      steps,
      /^(rollback\.started|switch\.armed)$/,
      /^(rollback\.(verified|held)|switch\.(committed|failed))$/,
    ).map(([from, to]) => bar(x(from), x(to), 50, 'change', `switched for ${spanOf(to - from)}`, text)),
  ]
  const marks = steps.map(step => {
    const [kind, sign] = signOf(step)
    const title = text(cleanLine(`${step.offset} ${step.words}`))
    return `<g class="${kind}"><title>${title}</title><circle cx="${x(step.offsetMs)}" cy="${AXIS}" r="8"/><text x="${x(step.offsetMs)}" y="${AXIS + 4}" text-anchor="middle">${sign}</text></g>`
  })
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${text(`${steps.length} steps within ${spanOf(endMs)}`)}">
<style>
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; fill: currentColor }
.small { font-size: 11px; opacity: .75 }
.axis, .tick { stroke: currentColor; stroke-opacity: .5 }
circle { stroke: #fff; stroke-width: 1 }
g text { fill: #fff; font-size: 11px }
.bad circle, rect.bad { fill: #c62828 } .well circle { fill: #2e7d32 } .change circle, rect.change { fill: #b26a00 }
.person circle { fill: #1565c0 } .plain circle { fill: #616161 }
</style>
<text class="small" x="8" y="37">down</text><text class="small" x="8" y="63">switch</text>
<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${AXIS}" y2="${AXIS}"/>
${[...ticks, ...bars, ...marks].join('\n')}
</svg>
`
}

/** From each first match to the next end, in ms since the first step; one that has no end goes on to the last step. */
function spans(steps: readonly Step[], begins: RegExp, ends: RegExp): [from: number, to: number][] {
  const found: [number, number][] = []
  let from: number | null = null
  for (const { kind, offsetMs } of steps) {
    if (from === null && begins.test(kind)) from = offsetMs
    else if (from !== null && ends.test(kind)) {
      found.push([from, offsetMs])
      from = null
    }
  }
  return from === null ? found : [...found, [from, steps.at(-1)?.offsetMs ?? from]]
}

function bar(from: number, to: number, y: number, kind: string, title: string, text: (raw: string) => string): string {
  return `<rect class="${kind}" x="${from}" y="${y}" width="${round(Math.max(2, to - from))}" height="18" rx="3"><title>${text(title)}</title></rect>`
}

function signOf({ kind }: Step): readonly [kind: string, sign: string] {
  const found = SIGNS.find(([pattern]) => pattern.test(kind))
  return found === undefined ? ['plain', '·'] : [found[1], found[2]]
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
