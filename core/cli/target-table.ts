import type { TargetState, TargetStatus } from '../api/switch-control.ts'
import type { Colour } from './colour.ts'
import { type Column, table } from './table.ts'

const STATES = {
  idle: ['●', 'green'],
  armed: ['◔', 'cyan'],
  switching: ['◑', 'cyan'],
  probation: ['◕', 'yellow'],
  committing: ['◕', 'cyan'],
  'rolling-back': ['↶', 'yellow'],
  held: ['■', 'red'],
} as const satisfies Record<TargetState, readonly [icon: string, colour: Colour]>

const COLUMNS: readonly Column[] = [
  { title: 'TARGET' },
  { title: 'KIND' },
  { title: 'STATE' },
  { title: 'CURRENT', shrinks: true },
  { title: 'KNOWN GOOD', shrinks: true },
  { title: 'QUARANTINED', align: 'right' },
  { title: 'WHY', wraps: true },
]

/** One row a target: where it stands, what runs, where a rollback would lead. */
export function targetTable(targets: readonly TargetStatus[], columns: number, colour: boolean): string {
  const rows = targets.map(({ name, kind, state, current, knownGood, quarantined, why }) => {
    // A newer daemon may know more states.
    const [icon, its]: readonly [string, Colour | undefined] = STATES[state] ?? ['?', undefined]
    return [
      name,
      kind,
      { text: `${icon} ${state}`, colour: its },
      current === null ? { text: 'none', colour: 'yellow' as const } : current.generation,
      knownGood?.generation ?? '',
      quarantined.length === 0 ? '' : String(quarantined.length),
      why ?? '',
    ]
  })
  return table(COLUMNS, rows, columns, colour)
}
