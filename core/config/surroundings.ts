import { execFile } from 'node:child_process'
import { lstat, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../fault.ts'
import type { Path } from './document.ts'
import { findMissingOfNotices } from './notice-surroundings.ts'
import { findMissingOfPeople } from './people-surroundings.ts'
import { DEFAULT_PATH, findProgram } from './programs.ts'
import type { HostConfig, ServiceSpec, TargetSpec } from './spec.ts'
import { placeKey } from './targets.ts'

/** Something the configuration names that isn't there (yet). */
export interface Missing {
  readonly path: Path
  readonly message: string
  readonly hint: string
}

const LOOKUP_DEADLINE_MS = 5000

/**
 * Looks for the folders, programs and users that the services and targets name. What is missing is no error: it can
 * come later, and until then it is the trouble of that service or target alone. But a person who checks a file wants to
 * know.
 */
export async function findMissing(config: HostConfig, isRoot: boolean): Promise<Missing[]> {
  const missing: Missing[] = isRoot ? [] : missingRights(config)
  const users = new Map<string, Promise<boolean>>()
  const isKnown = (user: string) => {
    const known = users.get(user) ?? isUser(user)
    users.set(user, known)
    return known
  }
  for (const service of config.services) {
    const path = ['services', service.name]
    if (!(await isFolder(service.cwd))) {
      const hint = 'make the folder, or the service can’t start'
      missing.push({ path: [...path, 'cwd'], message: `there is no folder ${service.cwd}`, hint })
    } else if (service.unit === undefined && !(await isRunnable(service.run[0] ?? '', service))) {
      const hint = 'install the program or mend its name, or the service can’t start'
      missing.push({ path: [...path, 'run'], message: `no program ${service.run[0]} is found`, hint })
    }
    const { user } = service
    if (user === undefined || (await isKnown(user))) continue
    const hint = 'add the user, or the service can’t start'
    missing.push({ path: [...path, 'user'], message: `there is no user ${user}`, hint })
  }
  // Each place is looked for whatever the other targets have; Nix is missed once.
  const needsNix = config.targets.find(target => target.kind !== 'releases')
  if (needsNix !== undefined && (await findProgram('nix-env', process.env.PATH ?? DEFAULT_PATH, '/')) === undefined) {
    const hint = 'install Nix, or put nix-env into the PATH of heald: it moves the profiles'
    missing.push({ path: ['targets', needsNix.name, 'kind'], message: 'no program nix-env is found', hint })
  }
  for (const target of config.targets) {
    const path = ['targets', target.name]
    const place = await missingPlace(target)
    if (place !== undefined) missing.push({ path: [...path, placeKey(target.kind)], ...place })
    const { user } = target
    // One that a service names was looked for there.
    if (user === undefined || config.services.some(service => service.user === user) || (await isKnown(user))) continue
    const hint = 'add the user, or the target can’t be switched'
    missing.push({ path: [...path, 'user'], message: `there is no user ${user}`, hint })
  }
  return [...missing, ...(await findMissingOfNotices(config, isKnown)), ...(await findMissingOfPeople(config.people))]
}

/** Once is enough, whoever has it granted has it for all units. */
function missingRights({ services, units }: HostConfig): Missing[] {
  const service = services.find(({ unit }) => unit !== undefined)
  if (service === undefined && units.length === 0) return []
  const path = service === undefined ? ['units', 0] : ['services', service.name, 'unit']
  const message = 'only root may start units, and heald does not run as root'
  const hint =
    'run it as root, or allow it by polkit (org.freedesktop.systemd1.manage-units); else units are only watched'
  return [{ path, message, hint }]
}

async function missingPlace({ kind, path }: TargetSpec): Promise<Omit<Missing, 'path'> | undefined> {
  if (kind !== 'releases') {
    if (await isThere(path)) return undefined
    const hint =
      kind === 'nixos'
        ? 'remove the target where there is no NixOS'
        : `make its first generation: nix-env --profile ${path} --set PATH`
    return { message: `there is no profile ${path}`, hint }
  }
  for (const folder of [path, join(path, 'releases')]) {
    if (await isFolder(folder)) continue
    return { message: `there is no folder ${folder}`, hint: 'make it; each release is a folder in releases' }
  }
  return undefined
}

/** A link that leads nowhere is there all the same. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    return codeOf(error) === 'EACCES'
  }
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
export function isUser(name: string): Promise<boolean> {
  const NOT_FOUND = 2
  return new Promise(done => {
    execFile('getent', ['passwd', '--', name], { timeout: LOOKUP_DEADLINE_MS }, error =>
      done(error?.code !== NOT_FOUND),
    )
  })
}
