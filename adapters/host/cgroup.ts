import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Control groups. The unified hierarchy (v2) holds a service's whole tree and kills it at once; limits come from v2
 * where it owns the controller, else from the v1 hierarchy that does (a hybrid host).
 */
export interface Hierarchies {
  /** Folder of our own group in the unified hierarchy, when we may make groups there. */
  readonly unified: string | null
  readonly memory: { readonly version: 1 | 2; readonly folder: string } | null
  readonly pids: { readonly version: 1 | 2; readonly folder: string } | null
}

/** The groups of one slot of one service. */
export interface SlotGroups {
  /** Folders a process enters; the first is the unified one when there is one. */
  readonly folders: readonly string[]
  readonly unified: string | null
  readonly memory: { readonly version: 1 | 2; readonly folder: string } | null
}

function writable(folder: string | null): folder is string {
  if (folder === null) return false
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Where we may make groups, below the ones we are in ourselves; nulls where the host or our rights don't allow it. `root`:
 * where the host's files are.
 */
export function findHierarchies(root = '/'): Hierarchies {
  const own = new Map<string, string>()
  const mounts = new Map<string, string>()
  try {
    for (const line of readFileSync(join(root, 'proc/self/cgroup'), 'utf8').trim().split('\n')) {
      const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
      for (const name of controllers === '' ? ['unified'] : controllers.split(',')) own.set(name, path)
    }
    for (const line of readFileSync(join(root, 'proc/self/mountinfo'), 'utf8').trim().split('\n')) {
      const [before = '', after = ''] = line.split(' - ')
      const [type, , options = ''] = after.split(' ')
      const at = before.split(' ')[4] ?? ''
      if (type === 'cgroup2') mounts.set('unified', at)
      if (type === 'cgroup') for (const name of options.split(',')) mounts.set(name, at)
    }
  } catch {
    return { unified: null, memory: null, pids: null }
  }
  const folderOf = (name: string): string | null => {
    const [mount, path] = [mounts.get(name), own.get(name)]
    if (mount === undefined || path === undefined) return null
    // As a unit whose group is delegated heald lives in a leaf of it, for a group with processes can limit nobody below.
    const isLeaf = name === 'unified' && process.env.HEALD_DELEGATED === '1' && basename(path) === 'heald'
    const folder = join(root, mount, isLeaf ? dirname(path) : path)
    return writable(folder) ? folder : null
  }
  const unified = folderOf('unified')
  const controller = (name: 'memory' | 'pids') => {
    if (unified !== null && controllersOf(unified).includes(name)) return { version: 2 as const, folder: unified }
    const folder = folderOf(name)
    return folder === null ? null : { version: 1 as const, folder }
  }
  const usable = unified !== null && existsSync(join(unified, 'cgroup.procs')) ? unified : null
  return { unified: usable, memory: controller('memory'), pids: controller('pids') }
}

/** Where the unified hierarchy is mounted; null where it is not. */
export function unifiedMount(): string | null {
  try {
    return /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1] ?? null
  } catch {
    return null
  }
}

function controllersOf(folder: string): string[] {
  try {
    return readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ')
  } catch {
    return []
  }
}

/**
 * Makes fresh, empty groups for a slot (old ones are removed, so that counters start at zero) and sets the limits.
 * Throws the file system's error where a limit that was asked for can't be set.
 */
export function makeGroups(
  hierarchies: Hierarchies,
  parent: string,
  name: string,
  limits: { readonly memoryBytes?: number; readonly pids?: number },
): SlotGroups {
  const folders: string[] = []
  const make = (base: string): string => {
    const folder = join(base, parent, name)
    removeGroup(folder)
    mkdirSync(folder, { recursive: true })
    folders.push(folder)
    return folder
  }
  const { unified, memory, pids } = hierarchies
  const wantsMemory = limits.memoryBytes !== undefined
  const wantsPids = limits.pids !== undefined
  if (unified !== null) {
    const wanted = [
      wantsMemory && memory?.version === 2 && '+memory',
      wantsPids && pids?.version === 2 && '+pids',
    ].filter(w => w !== false)
    mkdirSync(join(unified, parent), { recursive: true })
    for (const level of [unified, join(unified, parent)]) {
      if (wanted.length > 0) writeFileSync(join(level, 'cgroup.subtree_control'), wanted.join(' '))
    }
  }
  const unifiedFolder = unified === null ? null : make(unified)
  let memoryGroup: SlotGroups['memory'] = null
  if (wantsMemory && memory !== null) {
    const folder = memory.version === 2 && unifiedFolder !== null ? unifiedFolder : make(memory.folder)
    writeFileSync(
      join(folder, memory.version === 2 ? 'memory.max' : 'memory.limit_in_bytes'),
      String(limits.memoryBytes),
    )
    forbidSwap(folder, memory.version, limits.memoryBytes ?? 0)
    memoryGroup = { version: memory.version, folder }
  }
  if (wantsPids && pids !== null) {
    const folder = pids.version === 2 && unifiedFolder !== null ? unifiedFolder : make(pids.folder)
    writeFileSync(join(folder, 'pids.max'), String(limits.pids))
  }
  return { folders, unified: unifiedFolder, memory: memoryGroup }
}

/** Swap is no memory: else a service over its limit would crawl instead of being killed and healed. */
function forbidSwap(folder: string, version: 1 | 2, memoryBytes: number): void {
  try {
    if (version === 2) writeFileSync(join(folder, 'memory.swap.max'), '0')
    else writeFileSync(join(folder, 'memory.memsw.limit_in_bytes'), String(memoryBytes))
  } catch {
    // A kernel without swap accounting has no such file: there the limit counts memory alone.
  }
}

/** Kills every process of the group at once. False where the kernel has no `cgroup.kill`. */
export function killGroup(folder: string): boolean {
  try {
    writeFileSync(join(folder, 'cgroup.kill'), '1')
    return true
  } catch {
    return false
  }
}

export function groupPids(folder: string): number[] {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** How often the kernel killed something in the group for lack of memory, and the most it held. */
export function memoryRecord(memory: NonNullable<SlotGroups['memory']>): { oomKills: number; peakBytes?: number } {
  const read = (file: string): string => {
    try {
      return readFileSync(join(memory.folder, file), 'latin1')
    } catch {
      return ''
    }
  }
  const events = read(memory.version === 2 ? 'memory.events' : 'memory.oom_control')
  const peak = Number.parseInt(read(memory.version === 2 ? 'memory.peak' : 'memory.max_usage_in_bytes'), 10)
  const oomKills = Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0)
  return Number.isFinite(peak) ? { oomKills, peakBytes: peak } : { oomKills }
}

/** Removes an empty group; one that still has processes, or is gone already, is left as it is. */
export function removeGroup(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Busy or gone: both are fine, the next removal tries again.
  }
}

/** Tells at once, and cheaply, whether any process is left in a group or below it. */
export interface Population {
  isPopulated(): boolean
  close(): void
}

const eventsBuffer = Buffer.alloc(256)

/** Null where there is no unified group to ask. */
export function populationOf(groups: SlotGroups): Population | null {
  return groups.unified === null ? null : openPopulation(groups.unified)
}

/** Keeps the group's `cgroup.events` open: one read answers, and opening it anew would double a restart's own time. */
function openPopulation(folder: string): Population {
  let fd = -1
  try {
    fd = openSync(join(folder, 'cgroup.events'), constants.O_RDONLY)
  } catch {
    // Gone: nobody is left in it.
  }
  return {
    isPopulated() {
      if (fd < 0) return false
      try {
        const size = readSync(fd, eventsBuffer, 0, eventsBuffer.length, 0)
        return eventsBuffer.toString('latin1', 0, size).includes('populated 1')
      } catch {
        return false // ENODEV: the group was removed.
      }
    },
    close() {
      if (fd >= 0) closeSync(fd)
      fd = -1
    },
  }
}
