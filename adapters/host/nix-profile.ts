import { dirname, join } from 'node:path'
import type { Activation, View } from '../../core/safeswitch/target.ts'
import { CALLED_OFF, runActivation } from './activation.ts'
import { endActivation } from './activation-end.ts'
import { syncFolder } from './durable-link.ts'
import { type KeptTarget, MOST_LISTED } from './kept-target.ts'
import { makeNix, type NixLimits } from './nix.ts'
import { makeCandidates } from './nix-candidates.ts'
import { readProfile } from './nix-generations.ts'
import { moveProfile } from './nix-pointer.ts'
import { makeRoots } from './nix-roots.ts'
import { TargetFault } from './target-fault.ts'

export interface NixProfileOptions {
  readonly name: string
  /** The profile's link, absolute: `/nix/var/nix/profiles/NAME`. */
  readonly profile: string
  /** Run after each move: a program, relative to the generation's path, and its arguments. Empty: nothing is run. */
  readonly activate: readonly string[]
  /** A folder of heald's own for this target: roots. */
  readonly stateDir: string
  /** For Nix and for the activation, beside PATH, HOME, LANG and the daemon's own NIX_…. */
  readonly env: Readonly<Record<string, string>>
  readonly limits?: Partial<NixLimits>
}

/** Any Nix profile: one pointer, the profile's link, moved from generation to generation. */
export function nixProfile(options: NixProfileOptions): KeptTarget {
  const { name, profile, activate: command, stateDir } = options
  const nix = makeNix(options.env, options.limits)
  const roots = makeRoots(join(stateDir, 'roots'), nix)

  const candidates = makeCandidates(name, profile, command[0], nix)

  return {
    name,
    kind: 'nix-profile',

    async look(): Promise<View> {
      const { generations, current, movedMs, mark } = await readProfile(profile)
      return { generations: generations.slice(0, MOST_LISTED), running: current, boot: current, movedMs, mark }
    },

    resolve: candidates.resolve,
    prepare: roots.keepMore,
    forget: roots.letGo,

    async activate(to, deadlineMs, signal): Promise<Activation> {
      await candidates.check(to)
      await endActivation(profile, null)
      // What is kept was settled once, so it is on the disk, and a rollback need not wait for everybody's writes.
      if (!(await roots.has(to.path))) await nix.syncStore()
      if (signal?.aborted) return CALLED_OFF
      const moved = await moveProfile(profile, to, nix)
      if (moved === 'busy')
        return { verdict: 'retry', exitCode: null, why: `another Nix command holds ${profile}.lock` }
      if (command.length === 0) return { verdict: 'done', exitCode: null, why: '' }
      return runActivation({
        ...{ target: name, path: profile, argv: command, generation: to, account: null, deadlineMs, signal },
        env: nix.env,
      })
    },

    async settle(to, good): Promise<void> {
      const { current } = await readProfile(profile)
      if (current?.path !== to.path)
        throw new TargetFault(
          'target.moved',
          `${profile} leads to ${current?.path ?? 'nowhere'} and not to ${to.path}`,
          {
            hint: 'somebody else moved it; it is on probation again',
          },
        )
      await syncFolder(dirname(profile))
      await roots.keep(good)
    },
  }
}
