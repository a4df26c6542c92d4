import { execFile } from 'node:child_process'

/** systemd as the one who runs us: it wants to know that we stand, and now and then that we are not stuck. */
export interface ServiceManager {
  ready(): void
  stopping(): void
}

const DEADLINE_MS = 5000
/** Of the time that systemd waits for a sign of life: one may get lost. */
const SIGNS = 3

/**
 * Null where systemd does not wait for our word. Node has no datagram sockets of the kind that systemd listens on, so
 * `systemd-notify` says it: some 6 ms of processor each time, with WatchdogSec=60 thrice a minute. A timer runs only when the
 * event loop turns, which is what the sign of life is to prove.
 */
export function serviceManager(env: NodeJS.ProcessEnv, warn: (text: string) => void): ServiceManager | null {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, PATH } = env
  if (NOTIFY_SOCKET === undefined) return null
  const watchdogMs =
    WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid ? Number(WATCHDOG_USEC) / 1000 : 0
  let isWarned = false
  let isUnderWay = false

  function say(words: string): void {
    if (isUnderWay) return
    isUnderWay = true
    const options = { timeout: DEADLINE_MS, killSignal: 'SIGKILL', env: { NOTIFY_SOCKET, PATH } } as const
    execFile('systemd-notify', [words], options, error => {
      isUnderWay = false
      if (error === null || isWarned) return
      isWarned = true
      warn(`systemd could not be told ${words} (${error.message.split('\n')[0]})`)
    })
  }

  return {
    ready() {
      say('READY=1')
      if (!(watchdogMs > 0)) return
      setInterval(() => say('WATCHDOG=1'), watchdogMs / SIGNS).unref()
    },
    stopping: () => say('STOPPING=1'),
  }
}
