import { formatDuration } from '../config/duration.ts'
import { Fault } from '../fault.ts'

/**
 * An order that lay at a platform for longer than it may wait (Telegram keeps them for a day) meant what was so then, and who
 * gave it may have done something else since: it is answered, not done. `saidMs`: by the platform's clock.
 */
export function mustBeFresh(saidMs: number | undefined, nowMs: number, expireMs: number): void {
  if (saidMs === undefined || nowMs - saidMs <= expireMs) return
  const ageMs = Math.round((nowMs - saidMs) / 60_000) * 60_000
  throw new Fault('command.old', `that was said ${formatDuration(ageMs)} ago, so it was not done`, {
    hint: 'say it again if it is still to be done; if it was just now, the clock of this host is wrong',
  })
}
