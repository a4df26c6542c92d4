import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { type Account, findAccount } from '../../../adapters/host/account.ts'
import type { Generation, Target } from '../../../core/safeswitch/target.ts'

export const DEADLINE_MS = 20_000
export const ROOT = resolve(import.meta.dirname, '../../..')
export const MOVER = join(ROOT, 'test/fixtures/moves-pointer.ts')

export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'heald-releases-'))
  chmodSync(dir, 0o755)
  t.after(() => {
    for (const at of mounts.filter(at => at.startsWith(dir)).toReversed()) unmount(at)
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}

const mounts: string[] = []

/** Mounts something in a `folder` until the test ends; false where that is not allowed. */
export function mount(at: string, ...options: readonly string[]): boolean {
  mkdirSync(at, { recursive: true })
  try {
    execFileSync('mount', [...options, at], { stdio: 'pipe' })
  } catch {
    return false
  }
  mounts.push(at)
  return true
}

/**
 * An ext4 disk in a file of `base`, mounted until the test ends; null where that is not allowed. The kernel writes nothing
 * to it by itself (commit=300), so that what nobody has asked to be durable is lost for certain.
 */
export function mountedImage(base: string, bytes: number): { readonly image: string; readonly disk: string } | null {
  const image = join(base, 'disk')
  writeFileSync(image, '')
  truncateSync(image, bytes)
  execFileSync('mkfs.ext4', ['-q', '-F', image])
  const disk = join(base, 'mounted')
  return mount(disk, '-o', 'loop,commit=300', image) ? { image, disk } : null
}

export function unmount(at: string): void {
  mounts.splice(mounts.indexOf(at), 1)
  execFileSync('umount', ['-l', at])
}

/** A folder with releases `1`, `2` … and `current` at the first; each release holds `version` and what `more` names. */
export function makeReleases(path: string, count = 2, more: Readonly<Record<string, string>> = {}): string {
  for (let n = 1; n <= count; n += 1) {
    const release = join(path, 'releases', String(n))
    mkdirSync(release, { recursive: true })
    writeFileSync(join(release, 'version'), `${n}\n`)
    for (const [name, text] of Object.entries(more)) writeFileSync(join(release, name), text, { mode: 0o755 })
  }
  symlinkSync('releases/1', join(path, 'current'))
  return path
}

export async function nobody(): Promise<Account> {
  const found = await findAccount('nobody')
  assert.ok(!('missing' in found), 'there is a user nobody')
  return found
}

export function giveTo(account: Account, ...paths: readonly string[]): void {
  for (const path of paths) chownSync(path, account.uid, account.gid)
}

export const currentOf = (path: string): string => readlinkSync(join(path, 'current'))

/** Resolves and activates. */
export async function switchTo(target: Target, ref: string, deadlineMs = DEADLINE_MS) {
  return target.activate(await target.resolve(ref), deadlineMs)
}

export const named = (generation: Generation | null): string | null => generation?.generation ?? null
