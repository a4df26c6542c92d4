import { lstat, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Generation } from '../../core/safeswitch/target.ts'
import { besideOf } from './durable-link.ts'
import { nullWhenMissing } from './missing.ts'
import { linkMark } from './pointer.ts'
import { TargetFault } from './target-fault.ts'

/**
 * A Nix profile is a link `NAME` to one of the links `NAME-1-link`, `NAME-2-link`, … beside it, each of which leads into
 * the store. Reading them needs no Nix, so it also works while Nix does not.
 */
export interface ProfileLinks {
  /** Newest first; those whose path was collected are not among them. */
  readonly generations: readonly Generation[]
  /** The highest number in use, collected ones included; 0 when there is none. */
  readonly highest: number
  /** What the profile's link says, as it stands there; null when there is no profile yet. */
  readonly pointer: string | null
  /** Where the profile leads; null when it leads nowhere. */
  readonly current: Generation | null
  /** When the profile's link was made, wall clock. */
  readonly movedMs: number | null
  /** Of the profile's link and the generation's, as in `View`. */
  readonly mark: string | null
}

/** Reads a profile. Rejects when its folder is missing, or when what stands there is no profile. */
export async function readProfile(profile: string): Promise<ProfileLinks> {
  const names = await nullWhenMissing(readdir(dirname(profile)))
  if (names === null)
    throw new TargetFault('target.missing', `there is no folder ${dirname(profile)}`, {
      hint: 'create the profile first: nix-env -p PROFILE --set PATH',
    })
  const link = await nullWhenMissing(lstat(profile))
  if (link !== null && !link.isSymbolicLink())
    throw new TargetFault('target.not-a-profile', `${profile} is not a link, so it is no Nix profile`)
  const numbers = names.flatMap(name => numberOf(profile, name) ?? []).sort((a, b) => b - a)
  const generations = (await Promise.all(numbers.map(number => readGeneration(profile, number)))).flatMap(
    found => found ?? [],
  )
  const pointer = link === null ? null : await nullWhenMissing(readlink(profile))
  const path = pointer === null ? null : await nullWhenMissing(realpath(profile))
  await refuseAlias(profile, pointer)
  return {
    generations,
    highest: numbers[0] ?? 0,
    pointer,
    current: path === null || pointer === null ? null : currentOf(profile, pointer, path, generations),
    movedMs: link === null ? null : Math.floor(link.mtimeMs),
    mark: link === null ? null : `${linkMark(link)} ${await generationMark(profile, pointer)}`,
  }
}

async function generationMark(profile: string, pointer: string | null): Promise<string> {
  const link = pointer === null ? null : await nullWhenMissing(lstat(resolve(dirname(profile), pointer)))
  return link === null ? '-' : linkMark(link)
}

/** `~/.nix-profile` is a link to the profile that is meant; moved itself, it would part from it. */
async function refuseAlias(profile: string, pointer: string | null): Promise<void> {
  if (pointer === null || numberOf(profile, pointer) !== null) return
  const next = resolve(dirname(profile), pointer)
  const further = await nullWhenMissing(lstat(next))
  if (further?.isSymbolicLink() && /^.+-\d+-link$/.test((await readlink(next)).replace(/.*\//, '')))
    throw new TargetFault('target.not-a-profile', `${profile} is a link to the profile ${next}`, {
      hint: `write ${next} instead`,
    })
}

/** Where the link of a generation stands. */
export function generationLink(profile: string, number: number | string): string {
  return `${profile}-${number}-link`
}

/** The number in a generation link's name; a link that was never finished has none. */
function numberOf(profile: string, name: string): number | null {
  const prefix = `${basename(profile)}-`
  const digits = name.startsWith(prefix) ? /^([1-9]\d{0,8})-link$/.exec(name.slice(prefix.length))?.[1] : undefined
  return digits === undefined ? null : Number(digits)
}

async function readGeneration(profile: string, number: number): Promise<Generation | null> {
  const link = generationLink(profile, number)
  const [path, stat] = await Promise.all([nullWhenMissing(realpath(link)), nullWhenMissing(lstat(link))])
  if (path === null || stat === null) return null
  return { generation: String(number), path, createdMs: Math.floor(stat.mtimeMs) }
}

function currentOf(profile: string, pointer: string, path: string, all: readonly Generation[]): Generation {
  const number = basename(pointer) === pointer ? numberOf(profile, pointer) : null
  const named = all.find(({ generation, path: own }) => generation === String(number) && own === path)
  // Somebody may have pointed straight into the store: no number is true then.
  return named ?? all.find(found => found.path === path) ?? { generation: basename(path), path, createdMs: 0 }
}

/**
 * Takes away what a kill left beside the profile: nix-env takes `NAME-6-link.tmp-PID-N` for generation 6. Links that a
 * living Nix process is about to rename stay. The caller holds the profile's lock.
 */
export async function sweepStrays(profile: string): Promise<void> {
  const folder = dirname(profile)
  const name = basename(profile)
  for (const entry of await readdir(folder)) {
    const maker = entry.startsWith(`${name}-`)
      ? /^\d+-link\.tmp-(\d+)-/.exec(entry.slice(name.length + 1))?.[1]
      : undefined
    const isOurs = entry === basename(besideOf(profile))
    if (!isOurs && (maker === undefined || (await isNix(Number(maker))))) continue
    await rm(join(folder, entry), { force: true })
  }
}

async function isNix(pid: number): Promise<boolean> {
  const name = await nullWhenMissing(readFile(`/proc/${pid}/comm`, 'utf8'))
  return name?.startsWith('nix') ?? false
}
