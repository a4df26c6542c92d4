import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { codeOf } from '../fault.ts'
import type { Path } from './document.ts'
import { DEFAULT_PATH, findProgram } from './programs.ts'
import type { HostConfig, ServiceSpec } from './spec.ts'

/** Something the configuration names that isn't there (yet). */
export interface Missing {
  readonly path: Path
  readonly message: string
  readonly hint: string
}

const LOOKUP_DEADLINE_MS = 5000

/**
 * Looks for the folders, programs and users that the services name. What is missing is no error: it can come later,
 * and until then it is the incident of that service alone. But a person who checks a file wants to know.
 */
export async function findMissing(config: HostConfig): Promise<Missing[]> {
  const missing: Missing[] = []
  const users = new Map<string, Promise<boolean>>()
  for (const service of config.services) {
    const path = ['services', service.name]
    if (!(await isFolder(service.cwd))) {
      const hint = 'make the folder, or the service can’t start'
      missing.push({ path: [...path, 'cwd'], message: `there is no folder ${service.cwd}`, hint })
    } else if (!(await isRunnable(service.run[0] ?? '', service))) {
      const hint = 'install the program or mend its name, or the service can’t start'
      missing.push({ path: [...path, 'run'], message: `no program ${service.run[0]} is found`, hint })
    }
    const { user } = service
    if (user === undefined) continue
    const known = users.get(user) ?? isUser(user)
    users.set(user, known)
    if (!(await known)) {
      const hint = 'add the user, or the service can’t start'
      missing.push({ path: [...path, 'user'], message: `there is no user ${user}`, hint })
    }
  }
  return missing
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    // A folder that only the service's user may see is there all the same.
    return codeOf(error) === 'EACCES'
  }
}

async function isRunnable(program: string, service: ServiceSpec): Promise<boolean> {
  const path = service.env.PATH ?? process.env.PATH ?? DEFAULT_PATH
  return (await findProgram(program, path, service.cwd)) !== undefined
}

/** Asks the system's own lookup (files, LDAP, …). When that can't answer, the user gets the benefit of the doubt. */
function isUser(name: string): Promise<boolean> {
  const NOT_FOUND = 2
  return new Promise(done => {
    execFile('getent', ['passwd', '--', name], { timeout: LOOKUP_DEADLINE_MS }, error =>
      done(error?.code !== NOT_FOUND),
    )
  })
}
