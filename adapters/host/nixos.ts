import { lstat, mkdir, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Activation, Generation, View } from '../../core/safeswitch/target.ts'
import { type ActivationPlan, isUnderWay, runActivation, takeUpActivation } from './activation.ts'
import { endActivation } from './activation-end.ts'
import { makeBootTrial } from './boot-trial.ts'
import { type KeptTarget, MOST_LISTED } from './kept-target.ts'
import { nullWhenMissing } from './missing.ts'
import { makeNix, type NixLimits } from './nix.ts'
import { makeCandidates } from './nix-candidates.ts'
import { readProfile } from './nix-generations.ts'
import { moveProfile } from './nix-pointer.ts'
import { makeRoots } from './nix-roots.ts'
import { linkMark } from './pointer.ts'
import { TargetFault } from './target-fault.ts'

export interface NixosOptions {
  readonly name: string
  /** What a reboot leads to: `/nix/var/nix/profiles/system`. */
  readonly profile: string
  /** What runs: `/run/current-system`. */
  readonly running: string
  /** A folder of heald's own for this target: roots. */
  readonly stateDir: string
  /** For Nix and for the switch, beside PATH, HOME, LANG and the daemon's own NIX_…. */
  readonly env: Readonly<Record<string, string>>
  /** For writing the boot loader's entries. */
  readonly bootDeadlineMs?: number
  readonly limits?: Partial<NixLimits>
}

const PROGRAM = 'bin/switch-to-configuration'
const BOOT_DEADLINE_MS = 300_000
const MOST_CHARS = 300

/** Its documented exit codes; any other one, a signal or the deadline is `failed`. */
const VERDICTS: Readonly<Record<number, Activation['verdict']>> = {
  0: 'done',
  2: 'partly', // a part of the activation script failed
  4: 'partly', // some units failed
  11: 'retry', // another switch holds the lock
  100: 'reboot', // the new init can't take over
}

/**
 * A NixOS system, with two pointers. `/run/current-system` is moved by `switch-to-configuration test`, and a reboot
 * undoes that. The system profile and the boot loader's entries are moved when a switch is settled, in this order: a
 * kill between the two leaves the loader at the generation before, which is kept, and the same call again moves it.
 * `look` takes the profile for what a reboot leads to: what the loader does can't be read in general.
 */
export function nixos(options: NixosOptions): KeptTarget {
  const { name, profile, running, stateDir } = options
  const nix = makeNix(options.env, options.limits)
  const roots = makeRoots(join(stateDir, 'roots'), nix)
  const trial = makeBootTrial({ profile, stateDir, env: nix.env })
  const candidates = makeCandidates(name, profile, PROGRAM, nix)

  function planOf(to: Generation, action: 'test' | 'boot', deadlineMs: number, signal?: AbortSignal): ActivationPlan {
    return {
      ...{ target: name, path: profile, argv: [PROGRAM, action], generation: to, account: null, deadlineMs, signal },
      // Installing the boot loader itself anew is not a part of a switch.
      env: { ...nix.env, NIXOS_INSTALL_BOOTLOADER: '0' },
    }
  }

  async function begin(to: Generation, plan: ActivationPlan): Promise<Activation> {
    await endActivation(profile, null)
    if (!(await roots.has(to.path))) {
      await nix.syncStore()
      await keepMeanwhile(to)
    }
    return runActivation(plan)
  }

  async function runningPath(): Promise<string | null> {
    return nullWhenMissing(realpath(running))
  }

  return {
    name,
    kind: 'nixos',

    async look(): Promise<View> {
      const { generations, current, movedMs } = await readProfile(profile)
      const [path, link] = await Promise.all([runningPath(), nullWhenMissing(lstat(running))])
      const mark = link === null ? null : linkMark(link)
      const named = [current, ...generations].find(found => found?.path === path)
      const nameless = path === null ? null : { generation: path.replace(/.*\//, ''), path, createdMs: 0 }
      return {
        generations: generations.slice(0, MOST_LISTED),
        running: named ?? nameless,
        boot: current,
        movedMs,
        mark,
      }
    },

    resolve: candidates.resolve,
    prepare: roots.keepMore,
    async forget() {
      await letGoOfCandidate()
      await roots.letGo()
    },

    async activate(to, deadlineMs, signal): Promise<Activation> {
      await candidates.check(to)
      const plan = planOf(to, 'test', deadlineMs, signal)
      // A switch may restart heald's own unit: begun anew, it would do that again.
      const { exitCode, why } = (await takeUpActivation(plan)) ?? (await begin(to, plan))
      const verdict = VERDICTS[exitCode ?? -1] ?? 'failed'
      // Exit code 0 proves nothing.
      const led = await runningPath()
      // Nothing follows on that but a boot; all else is led back from, or settled.
      if (verdict === 'reboot' && led !== to.path) {
        await letGoOfCandidate()
        const next = `; ${await trial.prepare(to)}`
        return { verdict, exitCode, why: `${why.slice(0, MOST_CHARS - next.length)}${next}` }
      }
      if (verdict !== 'done' || led === to.path) return { verdict, exitCode, why }
      const instead = `${PROGRAM} ended well, but ${running} leads to ${led ?? 'nowhere'}`
      return { verdict: 'failed', exitCode, why: instead.slice(0, MOST_CHARS) }
    },

    isUnderWay: async to => isUnderWay({ path: profile, argv: [PROGRAM, 'test'], generation: to }),

    async settle(to, good): Promise<void> {
      const led = await runningPath()
      if (led !== to.path)
        throw new TargetFault('target.moved', `${running} leads to ${led ?? 'nowhere'} and not to ${to.path}`, {
          hint: 'somebody else switched; that is on probation now',
        })
      await endActivation(profile, null)
      if ((await moveProfile(profile, to, nix)) === 'busy')
        throw new TargetFault('target.busy', `another Nix command holds ${profile}.lock`, { retry: 1000 })
      const { exitCode, why } = await runActivation(planOf(to, 'boot', options.bootDeadlineMs ?? BOOT_DEADLINE_MS))
      if (exitCode !== 0)
        throw new TargetFault('target.boot', `the boot loader could not be set: ${why}`, {
          hint: 'a reboot leads to the generation before; mend the boot loader, then try again',
          retry: exitCode === 11 ? 1000 : 'no',
        })
      await trial.callOff()
      await roots.keep(good)
      await letGoOfCandidate()
    },
  }

  async function letGoOfCandidate(): Promise<void> {
    await rm(join(stateDir, 'candidate'), { force: true })
  }

  /** What is no generation yet must not be collected before it runs; from then on `/run/current-system` keeps it. */
  async function keepMeanwhile(to: Generation): Promise<void> {
    const { generations } = await readProfile(profile)
    if (generations.some(({ path }) => path === to.path)) return
    await mkdir(stateDir, { recursive: true, mode: 0o750 })
    await nix.addRoot(join(stateDir, 'candidate'), to.path)
  }
}
