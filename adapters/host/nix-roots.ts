import { lstat, mkdir, readdir, realpath, rm, rmdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { syncFolder } from './durable-link.ts'
import { nullWhenMissing } from './missing.ts'
import { checkPresent, type Nix } from './nix.ts'

/**
 * Keeps store paths from being collected: one link for each in a folder of ours, known to Nix as an indirect root. A
 * generation's own link does not do that: `nix-collect-garbage -d` removes it first.
 */
export interface Roots {
  /**
   * Keeps all of `paths` (the first has to be there, of the others those that are), then lets go of what is kept and not among them. First the new, then the old: a kill in
   * between keeps too much, never too little. May be called again.
   */
  keep(paths: readonly string[]): Promise<void>
  /** Keeps those of `paths` that are there as well, and lets go of none. */
  keepMore(paths: readonly string[]): Promise<void>
  /** Whether a path is kept. */
  has(path: string): Promise<boolean>
  /** Keeps nothing any more. Only links are removed, and the folder when nothing else is in it. May be called again. */
  letGo(): Promise<void>
}

export function makeRoots(folder: string, nix: Nix): Roots {
  const names = (): Promise<string[]> => readdir(folder).catch(() => [])

  return {
    async keep(paths) {
      await mkdir(folder, { recursive: true, mode: 0o755 })
      for (const [at, path] of paths.entries()) {
        // An older one that was collected long ago is nothing that could be kept.
        if (at > 0 && (await nullWhenMissing(lstat(path))) === null) continue
        await checkPresent(path)
        const link = join(folder, basename(path))
        const isKept = (await nullWhenMissing(realpath(link))) === path
        try {
          await nix.addRoot(link, path)
        } catch (error) {
          // With its disk full or its database broken Nix makes no root: what is kept already needs none.
          if (isKept) continue
          // Nix makes the link first: left there, it would be taken for a root.
          await rm(link, { force: true })
          throw error
        }
      }
      const wanted = new Set(paths.map(path => basename(path)))
      for (const name of await names()) if (!wanted.has(name)) await rm(join(folder, name), { force: true })
      await syncFolder(folder)
    },
    async keepMore(paths) {
      const kept = await names()
      for (const path of paths) {
        if (kept.includes(basename(path)) || (await nullWhenMissing(lstat(path))) === null) continue
        await mkdir(folder, { recursive: true, mode: 0o755 })
        await nix.addRoot(join(folder, basename(path)), path)
      }
    },
    async letGo() {
      for (const name of await names()) {
        const found = await nullWhenMissing(lstat(join(folder, name)))
        if (found?.isSymbolicLink()) await rm(join(folder, name), { force: true })
      }
      await rmdir(folder).catch(() => {})
    },
    has: async path => (await names()).includes(basename(path)),
  }
}
