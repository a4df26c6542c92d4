import type { DeadMan, Fired } from '../../core/safeswitch/dead-man.ts'
import type { Ref } from '../../core/safeswitch/journal.ts'
import type { Activation, Generation, Target, View } from '../../core/safeswitch/target.ts'

/** A target and its dead-man in memory, with one pointer. It outlives the daemons that use it. */
export interface FakeTarget {
  readonly target: Target
  readonly deadMan: DeadMan
  /** Path of what runs; null: the pointer is gone. */
  running: string | null
  /** How often somebody has put the pointer anew, wherever it leads. */
  moves: number
  standing: { readonly id: string; readonly path: string } | null
  fired: Fired | null
  isLocked: boolean
  /** Somebody else holds the lock. */
  isTaken: boolean
  /** Everything that was done to it. */
  readonly acts: string[]
  /** Called before each act with its name: throws to make it fail, or waits. */
  before: (act: string) => void | Promise<void>
  activation: Activation
}

export function fakeTarget(names: readonly string[], path = '/srv/app'): FakeTarget {
  const generations = names.map(
    (generation, at): Generation => ({
      generation,
      path: `${path}/releases/${generation}`,
      createdMs: names.length - at,
    }),
  )
  const at = (where: string | null) => generations.find(each => each.path === where) ?? null
  let ids = 0
  async function act(what: string): Promise<void> {
    await fake.before(what)
    if (!/^(look|imported)/.test(what)) fake.acts.push(what)
  }
  const fake: FakeTarget = {
    ...{ standing: null, fired: null, isLocked: false, isTaken: false, acts: [], before: () => {} },
    moves: 0,
    running: generations[0]?.path ?? null,
    activation: { verdict: 'done', exitCode: null, why: '' },
    target: {
      ...{ name: 'app', kind: 'releases' },
      async look(): Promise<View> {
        await act('look')
        return { generations, running: at(fake.running), boot: at(fake.running), movedMs: null, mark: `${fake.moves}` }
      },
      async resolve(ref) {
        const found = generations.find(({ generation, path: its }) => ref === generation || ref === its)
        if (found !== undefined) return found
        throw Object.assign(new Error(`${ref} is not there`), { name: 'Fault', code: 'target.missing', retry: 'no' })
      },
      async activate(to, _, signal) {
        const calledOff = new Promise<'off'>(resolve => signal?.addEventListener('abort', () => resolve('off')))
        const first = await Promise.race([act(`activate ${to.generation}`), calledOff])
        if (first === 'off') return { verdict: 'failed', exitCode: null, why: 'it was called off' }
        if (fake.activation.verdict !== 'done') return fake.activation
        fake.running = to.path
        fake.moves += 1
        return fake.activation
      },
      settle: to => act(`settle ${to.generation}`),
    },
    deadMan: {
      async arm(back, afterMs) {
        await act(`arm ${back.generation} ${afterMs}`)
        ids += 1
        fake.standing = { id: String(ids), path: back.path }
        return String(ids)
      },
      async disarm() {
        await act('disarm')
        fake.standing = null
      },
      async look() {
        await act('look at the dead-man')
        return { standing: fake.standing, fired: fake.fired }
      },
      async imported() {
        await act('imported')
        fake.fired = null
      },
      async lock() {
        fake.isLocked = !fake.isTaken
        return fake.isLocked
      },
      async unlock() {
        fake.isLocked = false
      },
    },
  }
  return fake
}

export const refOf = (generation: string, path = '/srv/app'): Ref => ({
  generation,
  path: `${path}/releases/${generation}`,
})
