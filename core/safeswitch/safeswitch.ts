import { isDeepStrictEqual } from 'node:util'
import type { SwitchControl, TargetStatus } from '../api/switch-control.ts'
import type { HostConfig, ServiceSpec, TargetSpec } from '../config/spec.ts'
import { Fault, messageOf } from '../fault.ts'
import type { Patient } from '../heal/patient.ts'
import type { LoopAnswer } from '../heal/records.ts'
import { openLate } from './late-target.ts'
import { createManaged, type Managed, type ManagedTools, type OpenTarget } from './managed.ts'
import { placeOf } from './memory.ts'

export interface SafeSwitchOptions extends Omit<ManagedTools, 'patients' | 'switchSpec'> {
  readonly openTarget: (spec: TargetSpec) => Promise<OpenTarget>
  readonly patientsOf: (target: string) => readonly Patient[]
}

/** All targets of this host. */
export interface SafeSwitch extends SwitchControl {
  /** Opens the targets, so that services know their generation. Nothing is moved yet. */
  take(config: HostConfig): Promise<void>
  /** Goes on with what an earlier daemon left undone, and watches. The ledger has been read. Once more after `apply`. */
  begin(): void
  /** Refuses a later configuration that changes a target which is being switched. */
  refuse(config: HostConfig): void
  /** Takes a later configuration: lets go of what it no longer describes so, and opens what is new. */
  apply(config: HostConfig): Promise<void>
  generationOf(target: string): string | null
  onLoop(service: ServiceSpec): LoopAnswer | null
  statuses(): TargetStatus[]
  /** Ends what is under way without finishing it: a later daemon, or the dead-man, does. */
  release(): void
}

export function createSafeSwitch(options: SafeSwitchOptions): SafeSwitch {
  const targets = new Map<string, Managed>()
  const opened = new WeakMap<TargetSpec, OpenTarget>()
  /** Targets that a deploy was asked for: it may still be looked at, and is not on its way yet. */
  const deploying = new Set<string>()
  let config: HostConfig | null = null

  async function open(spec: TargetSpec): Promise<void> {
    const late = openLate(spec, options.openTarget)
    opened.set(spec, late)
    const managed = createManaged(spec, late, {
      ...options,
      patients: () => options.patientsOf(spec.name),
      switchSpec: () => {
        if (config === null) throw new Error('targets are opened with a configuration')
        return config.switch
      },
    })
    await managed.look()
    targets.set(spec.name, managed)
  }

  /** Nobody takes it up again. */
  async function forget(spec: TargetSpec): Promise<void> {
    await opened
      .get(spec)
      ?.forget?.()
      .catch((error: unknown) => options.warn(`${spec.name}: ${messageOf(error)}`))
  }

  /** As the configuration lists them. */
  const inOrder = (): Managed[] => config?.targets.flatMap(({ name }) => targets.get(name) ?? []) ?? []

  function find(name: string): Managed {
    const found = targets.get(name)
    if (found !== undefined) return found
    throw new Fault('target.unknown', `there is no target ${JSON.stringify(name.slice(0, 100))}`, {
      hint: targets.size === 0 ? 'no targets are configured' : `the targets are: ${[...targets.keys()].join(', ')}`,
    })
  }

  /** Two at once would be judged by each other's services. */
  function refuseWhileMoving(name: string): void {
    for (const [other, managed] of targets) {
      if (other === name || !(managed.isMoving() || deploying.has(other))) continue
      throw new Fault('switch.busy', `${other} is being switched, and only one target is at a time`, {
        hint: 'wait for its end: heald status',
        retry: 5000,
      })
    }
  }

  function changedIn(next: HostConfig): string[] {
    const specs = new Map(next.targets.map(spec => [spec.name, spec]))
    return [...targets.values()]
      .filter(({ spec }) => !isDeepStrictEqual(spec, specs.get(spec.name)))
      .map(({ spec }) => spec.name)
  }

  return {
    async take(first) {
      config = first
      await Promise.all(first.targets.map(open))
    },
    begin() {
      for (const managed of targets.values()) managed.begin()
    },
    refuse(next) {
      const busy = changedIn(next).find(name => targets.get(name)?.isMoving())
      if (busy === undefined) return
      throw new Fault('switch.busy', `${busy} is being switched, and the new configuration changes it`, {
        hint: 'wait for its end: heald status',
        retry: 5000,
      })
    },
    async apply(next) {
      const changed = changedIn(next).flatMap(name => targets.get(name) ?? [])
      config = next
      for (const { spec } of changed) targets.delete(spec.name)
      const kept = new Set(next.targets.map(spec => `${spec.name} ${placeOf(spec)}`))
      await Promise.all(changed.map(each => each.retire()))
      await Promise.all(changed.map(({ spec }) => kept.has(`${spec.name} ${placeOf(spec)}`) || forget(spec)))
      await Promise.all(next.targets.filter(({ name }) => !targets.has(name)).map(open))
    },
    generationOf: name => targets.get(name)?.generation() ?? null,
    onLoop({ name, target }) {
      return target === undefined ? null : (targets.get(target)?.onLoop(name) ?? null)
    },
    statuses: () => inOrder().map(managed => managed.status()),
    async generations(name) {
      if (name !== null) return find(name).generations()
      // One that can't be looked at, which the status tells, hides no others.
      const all = await Promise.allSettled(inOrder().map(managed => managed.generations()))
      const seen = all.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
      const failed = all.find(each => each.status === 'rejected')
      if (seen.length === 0 && failed !== undefined) throw failed.reason
      return seen.flat()
    },
    async deploy(name, order, by) {
      const managed = find(name)
      refuseWhileMoving(name)
      deploying.add(name)
      try {
        return await managed.deploy(order, by)
      } finally {
        deploying.delete(name)
      }
    },
    // A way back is never closed by what another target is doing.
    rollback: async (name, order, by) => find(name).rollback(order, by),
    release() {
      for (const managed of targets.values()) void managed.release()
    },
  }
}
