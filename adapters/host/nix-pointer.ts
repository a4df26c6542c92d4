import { lstat, realpath, stat, symlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Generation } from '../../core/safeswitch/target.ts'
import { moveLink, syncFolder } from './durable-link.ts'
import { nullWhenMissing } from './missing.ts'
import { checkPresent, type Nix } from './nix.ts'
import { generationLink, type ProfileLinks, readProfile, sweepStrays } from './nix-generations.ts'
import { type HeldLock, lockProfile } from './nix-lock.ts'
import { TargetFault } from './target-fault.ts'

/**
 * Life of a move
 *
 * 1. Nix's own lock of the profile is taken, with a deadline, and what kills left beside it is swept.
 * 2. A generation that leads to the wanted path is named by a link renamed over the profile and written to the disk:
 *    what nix-env does, which forgets the last part. It needs neither Nix's database nor room on the disk.
 * 3. A path that no generation leads to yet gets one by `nix-env --set`, under the lock that --set itself does not take.
 *    Where that fails, the generation's link is made by hand.
 * 4. In the end the profile is read again, since exit code 0 proves nothing.
 *
 * A kill anywhere leaves the profile at the old path or at the new one, and the same call again ends at the new one.
 */
export async function moveProfile(profile: string, to: Generation, nix: Nix): Promise<'moved' | 'busy'> {
  await checkFolder(profile)
  await checkPresent(to.path)
  const lock = await lockFor(profile, to, nix)
  if (lock === null) return 'busy'
  let setTrouble = ''
  try {
    await sweepStrays(profile)
    if (!(await pointAtExisting(profile, to))) setTrouble = (await lock.run()).why
  } finally {
    await lock.free()
  }
  if ((await nullWhenMissing(realpath(profile))) !== to.path) {
    const again = await lockFor(profile, to, nix)
    if (again === null) return 'busy'
    try {
      await sweepStrays(profile)
      if (!(await pointAtExisting(profile, to))) await makeGeneration(profile, to)
    } finally {
      await again.free()
    }
  }
  await syncFolder(dirname(profile))
  const led = await nullWhenMissing(realpath(profile))
  if (led === to.path) return 'moved'
  throw new TargetFault(
    'target.moved',
    `${profile} leads to ${led ?? 'nowhere'} and not to ${to.path}: moved by others?`,
    {
      retry: 1000,
      cause: setTrouble === '' ? undefined : new Error(setTrouble),
    },
  )
}

function lockFor(profile: string, to: Generation, nix: Nix): Promise<HeldLock | null> {
  return lockProfile(profile, {
    env: nix.env,
    waitMs: nix.limits.lockMs,
    deadlineMs: nix.limits.commandMs,
    command: nix.setCommand(profile, to.path),
  })
}

/** Points the profile at a generation that leads to the path; false when there is none. */
async function pointAtExisting(profile: string, to: Generation): Promise<boolean> {
  const links = await readProfile(profile)
  const number = existing(links, to)
  if (number === null) return false
  const name = basename(generationLink(profile, number))
  if (links.pointer !== name) await moveLink(profile, name)
  return true
}

/** The one in use, the one that was asked for, or the newest with that path. */
function existing({ generations, current }: ProfileLinks, to: Generation): string | null {
  const fitting = generations.filter(({ path }) => path === to.path).map(({ generation }) => generation)
  if (current !== null && fitting.includes(current.generation)) return current.generation
  return fitting.find(number => number === to.generation) ?? fitting[0] ?? null
}

/** Without Nix: its disk is full, or its database broken. */
async function makeGeneration(profile: string, to: Generation): Promise<void> {
  const { highest } = await readProfile(profile)
  const link = generationLink(profile, highest + 1)
  await symlink(to.path, link)
  await moveLink(profile, basename(link))
}

/** A folder that somebody else owns could be swapped under our hands, and so could a link to it. */
export async function checkFolder(profile: string): Promise<void> {
  const self = process.geteuid?.() ?? 0
  for (const look of [lstat, stat]) {
    const folder = await nullWhenMissing(look(dirname(profile)))
    if (folder === null || folder.uid === 0 || folder.uid === self) continue
    throw new TargetFault(
      'target.owner',
      `${dirname(profile)} belongs to user ${folder.uid}, neither root nor heald's own`,
      {
        hint: 'run heald as that user, or use a profile in a folder of root',
      },
    )
  }
}
