import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GroupFolder, groupFolder, limitsBy } from '../config/facts.ts'
import type { Check } from './check.ts'

/** What control groups allow here. Only looks: no group is made. */
export function checkGroups(): Check[] {
  return [
    checkKill(groupFolder('unified')),
    checkLimit('memory', limitsBy('memory')),
    checkLimit('pids', limitsBy('pids')),
  ]
}

const DELEGATE = 'run heald as root, or as a unit with Delegate=yes'

/** Whether a service with all that it forked can be killed at once. */
export function checkKill(group: GroupFolder | undefined): Check {
  const check = { id: 'kill', title: 'whole-tree kill' }
  if (group === undefined) {
    const why = 'no unified control groups (v2): process groups are used, which a service can leave'
    return { ...check, state: 'off', why, advice: 'mount cgroup2, or boot with systemd.unified_cgroup_hierarchy=1' }
  }
  if (!group.writable) {
    const why = `no right to make groups in ${group.folder}: process groups are used, which a service can leave`
    return { ...check, state: 'off', why, advice: DELEGATE }
  }
  if (!hasKill(group.folder)) {
    const why = `groups in ${group.folder}, but the kernel has no cgroup.kill: processes are killed one by one`
    return { ...check, state: 'warn', why, advice: 'use Linux 5.14 or later' }
  }
  return { ...check, state: 'ok', why: `cgroup.kill, groups in ${group.folder}` }
}

/** The root group has no cgroup.kill of its own, but those in it have; with no group to look into, the version tells. */
function hasKill(folder: string): boolean {
  if (existsSync(join(folder, 'cgroup.kill'))) return true
  const child = readdirSync(folder, { withFileTypes: true }).find(entry => entry.isDirectory())
  if (child !== undefined) return existsSync(join(folder, child.name, 'cgroup.kill'))
  const [major = 0, minor = 0] = readOr('/proc/sys/kernel/osrelease').split('.').map(Number)
  return major > 5 || (major === 5 && minor >= 14)
}

export function checkLimit(controller: 'memory' | 'pids', group: GroupFolder | undefined): Check {
  const key = `limits.${controller}`
  const check = { id: key, title: controller === 'memory' ? 'memory limits' : 'process limits' }
  if (group === undefined) {
    const why = `no control groups that limit this; the key "${key}" is refused`
    return { ...check, state: 'off', why, advice: `mount the ${controller} controller` }
  }
  if (!group.writable) {
    const why = `no right to make groups in ${group.folder}; the key "${key}" is refused`
    return { ...check, state: 'off', why, advice: DELEGATE }
  }
  const enabled = readOr(join(group.folder, 'cgroup.subtree_control')).trim().split(' ')
  const isRootGroup = !existsSync(join(group.folder, 'cgroup.type'))
  if (group.version === 2 && !isRootGroup && !enabled.includes(controller)) {
    // The kernel lets a group pass a controller on only while no process is in it itself, and we are.
    const why = `v2 in ${group.folder}, not passed on to groups below while processes are in it`
    return {
      ...check,
      state: 'warn',
      why,
      advice: 'start heald in a group of its own below it (as a unit: DelegateSubgroup=heald)',
    }
  }
  return { ...check, state: 'ok', why: `by control groups v${group.version} in ${group.folder}` }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
