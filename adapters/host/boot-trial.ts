import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Generation } from '../../core/safeswitch/target.ts'
import { runCommand } from './command.ts'
import { nullWhenMissing } from './missing.ts'

/**
 * For a system that takes effect only after a reboot: has systemd-boot start it once, at the next boot. What every later
 * boot leads to stays as it is, so whoever boots again is back.
 */
export interface BootTrial {
  /** Resolves to what was done, or why nothing was, in words. */
  prepare(to: Generation): Promise<string>
  /** Calls off what was prepared and has not been booted; nothing where nothing was. */
  callOff(): Promise<void>
}

export interface BootTrialOptions {
  /** The system profile, whose name is in the names of its entries. */
  readonly profile: string
  /** A folder of heald's own for this target. */
  readonly stateDir: string
  readonly env: Readonly<Record<string, string>>
}

const DEADLINE_MS = 10_000

export function makeBootTrial({ profile, stateDir, env }: BootTrialOptions): BootTrial {
  const mark = join(stateDir, 'boot-trial')
  const bootctl = (...words: string[]) => runCommand(['bootctl', ...words], { env, deadlineMs: DEADLINE_MS })
  const not = (why: string) => `no trial boot is prepared: ${why}`

  return {
    async prepare({ generation, path }) {
      const installed = await bootctl('is-installed')
      if (installed.exitCode !== 0) return not('the boot loader is not systemd-boot')
      // One that was deployed by its path alone: entries are of the profile's generations.
      if (!/^\d+$/.test(generation)) {
        return not(`the boot loader has no entry for it, as it is no generation of ${profile}`)
      }
      const name = basename(profile)
      const entry = `nixos-${name === 'system' ? '' : `${name}-`}generation-${generation}.conf`
      const { out } = await bootctl('--print-boot-path')
      const text = await nullWhenMissing(readFile(join(out.trim(), 'loader/entries', entry), 'utf8'))
      // Numbers are given anew once a generation is gone; what it starts is what counts.
      if (!(text ?? '').split(/\s/).includes(`init=${path}/init`)) return not('the boot loader has no entry for it')
      await mkdir(stateDir, { recursive: true, mode: 0o750 })
      await writeFile(mark, `${entry}\n`)
      const { why } = await bootctl('set-oneshot', entry)
      return why === '' ? `the next boot tries it, once (${entry})` : not(why)
    },

    async callOff() {
      if ((await nullWhenMissing(readFile(mark))) === null) return
      // What fails now is tried again when the next switch is settled.
      if ((await bootctl('set-oneshot', '')).why === '') await rm(mark, { force: true })
    },
  }
}
