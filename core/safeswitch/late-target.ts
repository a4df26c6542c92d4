import type { TargetSpec } from '../config/spec.ts'
import type { OpenTarget } from './managed.ts'

/**
 * A target that is opened when it is first asked for, and again as long as that fails: a user that does not exist yet is
 * the trouble of that target alone, which its status shows, and is over once the user is there.
 */
export function openLate(spec: TargetSpec, open: (spec: TargetSpec) => Promise<OpenTarget>): OpenTarget {
  let opening: Promise<OpenTarget> | null = null
  let opened: OpenTarget | null = null

  async function get(): Promise<OpenTarget> {
    opening ??= open(spec)
    try {
      opened = await opening
      return opened
    } catch (error) {
      opening = null
      throw error
    }
  }

  return {
    target: {
      ...{ name: spec.name, kind: spec.kind },
      look: async () => (await get()).target.look(),
      resolve: async ref => (await get()).target.resolve(ref),
      activate: async (to, deadlineMs, signal) => (await get()).target.activate(to, deadlineMs, signal),
      isUnderWay: async to => (await (await get()).target.isUnderWay?.(to)) ?? false,
      settle: async (to, good) => (await get()).target.settle(to, good),
    },
    deadMan: {
      arm: async (back, afterMs, more) => (await get()).deadMan.arm(back, afterMs, more),
      disarm: async () => (await get()).deadMan.disarm(),
      look: async () => (await get()).deadMan.look(),
      imported: async id => (await get()).deadMan.imported(id),
      lock: async waitMs => (await get()).deadMan.lock(waitMs),
      // What was never opened holds nothing.
      unlock: async () => opened?.deadMan.unlock(),
    },
    prepare: async good => (await get().catch(() => null))?.prepare?.(good),
    // What was never opened has made nothing.
    forget: async () => opened?.forget?.(),
    account: async () => opened?.account?.() ?? null,
    changes: async (from, to) => (opened === null ? [] : opened.changes(from, to)),
  }
}
