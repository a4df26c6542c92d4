import { spawn } from 'node:child_process'

/** What writes for the daemon where the daemon could only write by waiting. */
export interface Relay {
  take(text: string): void
  /** Bytes that not even the relay has yet. */
  waiting(): number
  /** Hands on what is left; what nobody has read after `mostMs` is given up. */
  end(mostMs: number): Promise<void>
}

/**
 * Writes to `fd` through a small child process, `cat`: it waits for the reader in our place. The pipe to it never
 * holds up anybody. It is in a session of its own, for Ctrl-C and a hangup are for the daemon: it ends with the pipe.
 * Where no `cat` can be started the text is lost, which is better than standing still: the ledger has everything.
 */
export function relayTo(fd: number): Relay {
  const { PATH } = process.env
  const child = spawn('cat', [], {
    stdio: ['pipe', fd, 'ignore'],
    detached: true,
    cwd: '/',
    env: PATH === undefined ? {} : { PATH },
  })
  const { stdin } = child
  const ended = new Promise<void>(resolve => {
    child.on('error', () => resolve())
    child.on('exit', () => resolve())
  })
  // Its terminal is gone, or it was killed: nobody is left to read.
  stdin?.on('error', () => stdin.destroy())
  child.unref()
  return {
    take: text => void (stdin?.writable && stdin.write(text)),
    waiting: () => (stdin?.writable ? stdin.writableLength : 0),
    async end(mostMs) {
      // Now it is waited for: with nothing else to wait for, the process would end before its exit code is known.
      child.ref()
      stdin?.end()
      const timer = setTimeout(() => child.kill('SIGKILL'), mostMs)
      await ended
      clearTimeout(timer)
    },
  }
}
