import type { TargetState } from '../api/switch-control.ts'
import type { Phase } from './journal.ts'

/** What people and scripts see of a phase (`state` in the status). */
export const PHASES: Readonly<Record<Phase, TargetState>> = {
  idle: 'idle',
  observed: 'armed',
  armed: 'armed',
  switching: 'switching',
  probation: 'probation',
  committing: 'committing',
  rollingBack: 'rolling-back',
  held: 'held',
}
