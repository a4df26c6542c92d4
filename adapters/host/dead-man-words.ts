import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Ref } from '../../core/safeswitch/journal.ts'
import type { Account } from './account.ts'
import { groupsOf } from './activation-groups.ts'
import { unitRunsOf } from './activation-unit.ts'
import { unifiedMount } from './cgroup.ts'
import { type DeadManTarget, flatMark, ordersFor, tenthsFor } from './dead-man-orders.ts'
import { DEAD_MAN } from './dead-man-script.ts'
import type { Process } from './dead-man-start.ts'
import { nullWhenMissing } from './missing.ts'

/** Names of what the script is given, in this order. */
const VALUES = [
  ...([
    'dir',
    'id',
    'ready',
    'booting',
    'boot',
    'seconds',
    'rest',
    'patience',
    'unnamed',
    'again',
    'holder',
    'holder_start',
  ] as const),
  ...(['kind', 'path', 'running', 'profile', 'boots', 'owner', 'mark', 'runs', 'groups', 'mounted'] as const),
  ...(['tenths_activate', 'tenths_boot', 'n_move', 'n_owner', 'n_activate', 'n_boot', 'n_reset'] as const),
] as const
/** Its first line is what people see of it in `ps`. */
export const SCRIPT = `# heald: leads a target back when nobody disarms it in time
${VALUES.map((name, index) => `${name}=\${${index + 1}}`).join(' ')}
shift ${VALUES.length}
${DEAD_MAN}`

/** What one dead-man is for. */
export interface Errand {
  readonly target: DeadManTarget
  readonly account: Account | null
  /** Of this target's dead-men. */
  readonly dir: string
  readonly back: Ref
  readonly afterMs: number
  /** The kernel's id of the boot in which it is armed. */
  readonly boot: string
  /** The heald that arms it. */
  readonly holder: Process
  readonly lockMs: number
  readonly againMs: number
  /** Units of systemd that belong to the target. */
  readonly units: readonly string[]
  /** How long it need not be named yet. */
  readonly unnamedMs: number
}

/** What the script is called with. */
export interface Words {
  /** By heald, when it arms it. */
  waiting(id: string, ready: string): string[]
  /** At the next boot: it moves the pointer, and the activation is left to the heald that comes. */
  booting(id: string): string[]
}

const NOBODY = { holder: '0', holder_start: '0' }
const NO_COMMANDS = { n_activate: '0', n_boot: '0', n_reset: '0' }

/** Gives what the script is called with, whatever its id. */
export async function wordsFor(errand: Errand): Promise<Words> {
  const { target, account, dir, back, boot, holder } = errand
  const folder = dirname(target.path)
  const orders = ordersFor(target, back, account, (await nullWhenMissing(realpath(folder))) ?? folder, errand.units)
  const tenths = tenthsFor(target)
  const isNix = target.kind !== 'releases'
  const booted = isNix ? await nullWhenMissing(realpath(target.path)) : null
  const waitMs = Math.max(0, Math.ceil(errand.afterMs))
  const named: Record<(typeof VALUES)[number], string> = {
    ...{ dir, id: '', ready: '', booting: '', boot },
    ...{ kind: target.kind, path: back.path, running: target.running, profile: target.path },
    seconds: String(Math.floor(waitMs / 1000)),
    rest: waitMs % 1000 === 0 ? '0' : `0.${String(waitMs % 1000).padStart(3, '0')}`,
    patience: String(Math.max(errand.lockMs, 10) / 1000),
    unnamed: String(Math.ceil(errand.unnamedMs / errand.lockMs)),
    again: String(errand.againMs / 1000),
    holder: String(holder.pid),
    holder_start: String(holder.startTime),
    // Somebody else has moved it already, and the boot loader with it.
    boots: booted === back.path ? '0' : '1',
    owner: String(account?.uid ?? process.geteuid?.() ?? 0),
    mark: flatMark(target.path),
    runs: unitRunsOf(target.path),
    groups: groupsOf(target.path) ?? '',
    mounted: unifiedMount() ?? '',
    tenths_activate: String(tenths.activate),
    tenths_boot: String(tenths.boot),
    n_move: String(orders.move.length),
    n_owner: String(orders.moveAsOwner.length),
    n_activate: String(orders.activate.length),
    n_boot: String(orders.boot.length),
    n_reset: String(orders.reset.length),
  }
  const listed = (more: Partial<typeof named>) => VALUES.map(name => more[name] ?? named[name])
  const moves = [...orders.move, ...orders.moveAsOwner]
  return {
    waiting: (id, ready) => [...listed({ id, ready }), ...moves, ...orders.activate, ...orders.boot, ...orders.reset],
    booting: id => [
      // Its holder is gone with the boot before, and the number may be anybody's.
      ...listed({ id, ready: '/dev/null', booting: '1', seconds: '0', rest: '0', ...NOBODY, ...NO_COMMANDS }),
      ...moves,
    ],
  }
}
