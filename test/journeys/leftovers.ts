import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { groupsOf, sweepGroups } from '../../adapters/host/activation-groups.ts'

/** Whether a daemon answers on this socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection(path)
    const done = (yes: boolean) => {
      socket.destroy()
      resolve(yes)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
}

export function cmdline(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  } catch {
    return []
  }
}

/** Processes with `text` in their environment; launching shells (they carry the word `heald`) only when asked for. */
export function markedProcesses(text: string, launchersToo = false): number[] {
  const found: number[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').includes(text)) continue
    } catch {
      continue
    }
    if (launchersToo || !cmdline(Number(name)).includes('heald')) found.push(Number(name))
  }
  return found
}

/** All processes of a stand: those with its mark, and those that were told a path in `folder`, as the bot is, which has no mark. */
export function processesOf(mark: string, folder: string): number[] {
  const all = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  const told = all.map(Number).filter(pid => cmdline(pid).some(word => word.startsWith(`${folder}/`)))
  return [...new Set([...markedProcesses(`HEALD_MARK=${mark}/`, true), ...told])]
}

/** Folders of our control groups, deepest first. */
export function groupFolders(groupName: string): string[] {
  const bases = new Set<string>()
  const roots = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids']
  const own = existsSync('/proc/self/cgroup') ? readFileSync('/proc/self/cgroup', 'utf8') : ''
  for (const line of own.trim().split('\n')) {
    for (const root of roots) bases.add(join(root, line.split(':')[2] ?? '', groupName))
  }
  return [...bases].filter(base => existsSync(base)).flatMap(base => [...subfolders(base), base])
}

function subfolders(base: string): string[] {
  return readdirSync(base, { withFileTypes: true })
    .filter(item => item.isDirectory())
    .map(item => join(base, item.name))
}

function removeQuietly(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Still busy: the next round tries again.
  }
}

export function killQuietly(pid: number, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  if (Math.abs(pid) <= 1) return false
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

/** Ends all that there still is of a stand, and removes its control groups. */
export async function endAll(mark: string, folder: string, groupName: string): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const pids = processesOf(mark, folder)
    for (const pid of pids) killQuietly(pid)
    for (const group of groupFolders(groupName)) removeQuietly(group)
    if (pids.length === 0 && groupFolders(groupName).length === 0) return
    await sleep(20)
  }
}

/** Removes the groups of a target's activations; those that were struck may still have a process in theirs. */
export async function activationGroupsGone(path: string): Promise<void> {
  const groups = groupsOf(path)
  for (let n = 0; n < 100 && groups !== null && existsSync(groups); n += 1) {
    sweepGroups(path)
    await sleep(50)
  }
}
