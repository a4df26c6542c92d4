import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long the processors are looked at, in milliseconds. */
const SAMPLE_MS = 2000
/** So much of their time has to be idle for one more job. */
const FREE_SHARE = 0.2

/** Admits jobs one at a time, each once the processors have time for it: others would only run past their deadlines. */
export function createRoom(): { admit(isWanted: () => boolean): Promise<void> } {
  let turn = Promise.resolve()
  const wait = async (isWanted: () => boolean) => {
    let before = times()
    while (isWanted()) {
      await sleep(SAMPLE_MS)
      const now = times()
      if ((now.idle - before.idle) / (now.all - before.all) >= FREE_SHARE) return
      before = now
    }
  }
  return {
    admit(isWanted) {
      turn = turn.then(() => wait(isWanted))
      return turn
    },
  }
}

/** Milliseconds of all processors since the machine's boot. */
function times(): { idle: number; all: number } {
  const each = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({
    idle,
    all: user + nice + sys + idle + irq,
  }))
  return each.reduce((sum, { idle, all }) => ({ idle: sum.idle + idle, all: sum.all + all }))
}
