import { constants } from 'node:fs'
import { access, lstat, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import type { Generation } from '../../core/safeswitch/target.ts'
import { nullWhenMissing } from './missing.ts'
import { checkPresent, type Nix } from './nix.ts'
import { generationLink, readProfile } from './nix-generations.ts'
import { checkFolder } from './nix-pointer.ts'
import { TargetFault } from './target-fault.ts'

/** What may become a generation of a profile, and what may not. */
export interface Candidates {
  /** Finds what an operator wrote, a number or a path; rejects when it is not whole or not of this target. */
  resolve(ref: string): Promise<Generation>
  /** Looks once more before a switch, without Nix: whether it is still there and can be activated. */
  check(to: Generation): Promise<void>
}

/** `program` is what activates a generation, relative to its path. */
export function makeCandidates(name: string, profile: string, program: string | undefined, nix: Nix): Candidates {
  /** Rejects unless the activation command is there and may be run with our rights. */
  async function checkCommand(path: string): Promise<void> {
    if (program === undefined) return
    const file = await nullWhenMissing(realpath(join(path, program)))
    const allowed =
      file !== null &&
      (await access(file, constants.X_OK).then(
        () => true,
        () => false,
      ))
    if (file === null || !allowed || !(await stat(file)).isFile())
      throw new TargetFault('target.no-activation', `${path} has no program ${program} to activate it with`, {
        hint: `is this a generation of ${name}? The target's configuration says what is run`,
      })
    const { uid } = await stat(file)
    if (uid !== 0 && uid !== process.geteuid?.())
      throw new TargetFault(
        'target.owner',
        `${file} belongs to user ${uid}; heald runs no such program with its own rights`,
      )
  }

  async function find(ref: string): Promise<Generation> {
    const { generations } = await readProfile(profile)
    if (/^\d{1,9}$/.test(ref)) {
      const found = generations.find(({ generation }) => generation === String(Number(ref)))
      if (found !== undefined) return found
      const link = await nullWhenMissing(lstat(generationLink(profile, Number(ref))))
      if (link !== null) throw new TargetFault('target.gone', `generation ${ref} of ${name} was collected as garbage`)
      throw new TargetFault('target.unknown', `${name} has no generation ${ref}`, { hint: hintOf(generations) })
    }
    if (!isAbsolute(ref))
      throw new TargetFault('target.unknown', `${ref} is neither a generation's number nor an absolute path`, {
        hint: hintOf(generations),
      })
    const path = await nullWhenMissing(realpath(ref))
    if (path === null) throw new TargetFault('target.gone', `${ref} is not there, or leads nowhere`)
    const known = generations.find(found => found.path === path)
    if (known !== undefined) return known
    if (dirname(path) !== nix.storeDir)
      throw new TargetFault(
        'target.not-whole',
        `${ref} leads to ${path}, which is no path of the store ${nix.storeDir}`,
        {
          hint: 'name a generation, or what nix-build printed',
        },
      )
    const made = await lstat(path)
    return { generation: path.slice(nix.storeDir.length + 1), path, createdMs: Math.floor(made.ctimeMs) }
  }

  return {
    async resolve(ref) {
      await checkFolder(profile)
      const found = await find(ref)
      await nix.checkWhole(found.path)
      await checkCommand(found.path)
      return found
    },
    async check(to) {
      await checkFolder(profile)
      await checkPresent(to.path)
      await checkCommand(to.path)
    },
  }
}

function hintOf(generations: readonly Generation[]): string {
  const numbers = generations.slice(0, 5).map(({ generation }) => generation)
  return numbers.length === 0 ? 'it has no generations' : `the newest generations: ${numbers.join(', ')}`
}
