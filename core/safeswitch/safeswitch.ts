import { isDeepStrictEqual } from 'node:util'
import type { SwitchControl, TargetStatus } from '../api/switch-control.ts'
import type { HostConfig, ServiceSpec, TargetSpec } from '../config/spec.ts'
import { Fault, messageOf } from '../fault.ts'
import type { Patient } from '../heal/patient.ts'
import type { LoopAnswer } from '../heal/records.ts'
import type { Ref } from './journal.ts'
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
  /**
   * Refuses a later configuration that changes a target which is being switched. Otherwise nothing switches those that it
   * changes until the answer is called, after `apply` or when it is not applied after all.
   */
  reserve(config: HostConfig): () => void
  /** Takes a later configuration: lets go of what it no longer describes so, and opens what is new. */
  apply(config: HostConfig): Promise<void>
  generationOf(target: string): Ref | null
  onLoop(service: ServiceSpec): LoopAnswer | null
  statuses(): TargetStatus[]
  /** Ends what is under way without finishing it: a later daemon, or the dead-man, does. */
  release(): void
}

export function createSafeSwitch(options: SafeSwitchOptions): SafeSwitch {
  const targets = new Map<string, Managed>()
  const opened = new WeakMap<TargetSpec, OpenTarget>()
  /** Targets that an order was given for: it may still be looked at, and is not on its way yet. One for each order. */
  const [deploying, goingBack]: [string[], string[]] = [[], []]
  /** Targets that a later configuration changes. */
  let reserved: readonly string[] = []
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
      if (other === name || !(managed.isMoving() || deploying.includes(other))) continue
      throw new Fault('switch.busy', `${other} is being switched, and only one target is at a time`, {
        hint: 'wait for its end: heald status',
        retry: 5000,
      })
    }
  }

  function refuseWhileChanged(name: string): void {
    if (!reserved.includes(name)) return
    throw new Fault('switch.busy', `the configuration of ${name} is being changed`, {
      hint: 'try again when that is done: heald status',
      retry: 1000,
    })
  }

  /** Carries out an order that `list` holds meanwhile. */
  async function listed<T>(list: string[], name: string, order: () => Promise<T>): Promise<T> {
    list.push(name)
    try {
      return await order()
    } finally {
      list.splice(list.indexOf(name), 1)
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
    reserve(next) {
      const changed = changedIn(next)
      const busy = changed.find(
        name => targets.get(name)?.isMoving() || deploying.includes(name) || goingBack.includes(name),
      )
      if (busy === undefined) {
        reserved = changed
        return () => {
          reserved = []
        }
      }
      throw new Fault('switch.busy', `${busy} is being switched, and the new configuration changes it`, {
        hint: 'it is applied once that has ended: heald status',
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
      if (target === undefined) return null
      if (reserved.includes(target))
        return { verdict: 'slow restarts', why: `the configuration of ${target} is being changed`, isPassing: true }
      return targets.get(target)?.onLoop(name) ?? null
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
    async changes(name, from, to) {
      const managed = find(name)
      const generations = await managed.generations()
      const paths = [from, to].map(ref => {
        const found = generations.find(({ generation, path }) => generation === ref || path === ref)
        if (found !== undefined) return found.path
        throw new Fault('generation.unknown', `${name} has no generation ${JSON.stringify(ref.slice(0, 100))}`, {
          hint: `"heald generations ${name}" lists them`,
        })
      })
      return managed.changes(paths[0] ?? '', paths[1] ?? '')
    },
    async deploy(name, order, by) {
      refuseWhileChanged(name)
      const managed = find(name)
      refuseWhileMoving(name)
      return listed(deploying, name, () => managed.deploy(order, by))
    },
    // A way back is never closed by what another target is doing.
    async rollback(name, order, by) {
      refuseWhileChanged(name)
      const managed = find(name)
      return listed(goingBack, name, () => managed.rollback(order, by))
    },
    release() {
      for (const managed of targets.values()) void managed.release()
    },
  }
}
