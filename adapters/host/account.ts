import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'

/** A user a service runs as. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  /** The command prefix that turns a shell, of a standby or a check, into this user, with all of its groups. */
  readonly become: readonly string[]
}

const DEADLINE_MS = 5000

/** The user that heald runs as. In a container a number may have no name and no home: it is a user all the same. */
export function ownUser(): { readonly name: string; readonly home: string } {
  try {
    const { username, homedir } = userInfo()
    return { name: username, home: homedir }
  } catch {
    return { name: String(process.getuid?.() ?? ''), home: process.env.HOME ?? '/' }
  }
}

/**
 * Looks a user up as the system does (files, LDAP, …). Resolves to words on why it can't be used: a missing user is
 * the service's trouble, not the daemon's.
 */
export function findAccount(name: string): Promise<Account | { readonly missing: string }> {
  return new Promise(resolve => {
    execFile('getent', ['passwd', '--', name], { timeout: DEADLINE_MS, maxBuffer: 65536 }, (error, stdout) => {
      if (error !== null) {
        const gone = error.code === 2 || error.code === 1
        resolve({ missing: gone ? `the user ${name} does not exist` : `the user ${name} could not be looked up` })
        return
      }
      const [user = name, , uid, gid, , home] = stdout.split('\n', 1)[0]?.split(':') ?? []
      resolve({
        name: user,
        uid: Number(uid),
        gid: Number(gid),
        home: home || '/',
        become: ['setpriv', `--reuid=${Number(uid)}`, `--regid=${Number(gid)}`, '--init-groups', '--'],
      })
    })
  })
}
