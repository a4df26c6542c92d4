import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the check has to know about the host: some keys are refused where the host can't do what they ask. */
export interface HostFacts {
  readonly isRoot: boolean
  readonly canLimit: { readonly memory: boolean; readonly pids: boolean }
}

/** One hierarchy of control groups: the folder of the group we are in. */
export interface GroupFolder {
  readonly version: 1 | 2
  readonly folder: string
  /** We may make groups in it. */
  readonly writable: boolean
}

/** `root`: where the host's files are. */
export function hostFacts(root = '/'): HostFacts {
  return {
    isRoot: process.getuid?.() === 0,
    canLimit: { memory: limitsBy('memory', root)?.writable === true, pids: limitsBy('pids', root)?.writable === true },
  }
}

/** The hierarchy that can limit `controller` here: v2 where it owns it, else v1 (a hybrid host). Only looks. */
export function limitsBy(controller: 'memory' | 'pids', root = '/'): GroupFolder | undefined {
  const unified = groupFolder('unified', root)
  if (unified?.writable && readOr(join(unified.folder, 'cgroup.controllers')).trim().split(' ').includes(controller)) {
    return unified
  }
  return groupFolder(controller, root)
}

/** Our own group in the unified hierarchy, or in the v1 hierarchy of a controller; undefined when there is none. */
export function groupFolder(name: 'unified' | 'memory' | 'pids', root = '/'): GroupFolder | undefined {
  let own: string | undefined
  for (const line of readOr(join(root, 'proc/self/cgroup')).split('\n')) {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (line !== '' && (controllers === '' ? ['unified'] : controllers.split(',')).includes(name)) own = path
  }
  let mount: string | undefined
  for (const line of readOr(join(root, 'proc/self/mountinfo')).split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const [type, , options = ''] = after.split(' ')
    const isOurs = name === 'unified' ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(name)
    if (isOurs) mount = before.split(' ')[4]
  }
  if (own === undefined || mount === undefined) return undefined
  const folder = join(root, mount, own)
  if (!existsSync(join(folder, 'cgroup.procs'))) return undefined
  return { version: name === 'unified' ? 2 : 1, folder, writable: isWritable(folder) }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
