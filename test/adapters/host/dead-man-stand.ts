import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, readdirSync, readFileSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type DeadManOptions, makeDeadMan } from '../../../adapters/host/dead-man.ts'
import { readStanding } from '../../../adapters/host/dead-man-state.ts'
import { isRunning, readStat } from '../../../adapters/host/proc.ts'
import type { DeadMan, Fired } from '../../../core/safeswitch/dead-man.ts'
import type { Ref } from '../../../core/safeswitch/journal.ts'
import { until as untilWithin } from '../../until.ts'
import { folder, makeReleases, ROOT } from './releases-stand.ts'

const DEADLINE_MS = 30_000
/** Short enough for a test; what they are for is only about their order. */
export const LIMITS = { lockMs: 400, againMs: 50 }

export interface DeadManStand {
  readonly deadMan: DeadMan
  readonly options: DeadManOptions
  readonly dir: string
  /** Arms in a process of its own, which then hangs, and is killed at the end at the latest. */
  armApart(back: Ref, afterMs: number | null, lock?: 'lock'): Promise<{ id: string; child: ChildProcess }>
  /** What one did that fired. */
  fired(): Promise<Fired>
  /** Of the process that waits, as its state file has it. */
  pid(): Promise<number>
}

export function deadManStand(t: TestContext, given: Omit<DeadManOptions, 'dir'>, dir: string): DeadManStand {
  const options: DeadManOptions = { limits: LIMITS, withSystemd: false, ...given, dir }
  const deadMan = makeDeadMan(options)
  const children: ChildProcess[] = []
  t.after(async () => {
    for (const child of children) await end(child)
    // Not named any more, it ends itself; what is killed here is only not waited for.
    const standing = await readStanding(dir)
    if (standing !== null && isRunning(standing.pid, standing.startTime)) process.kill(-standing.pid, 'SIGKILL')
    await deadMan.unlock()
  })
  return {
    deadMan,
    options,
    dir,
    async armApart(back, afterMs, lock) {
      const args = [JSON.stringify(options), JSON.stringify(back), String(afterMs ?? '-'), ...(lock ? [lock] : [])]
      const child = spawn(process.execPath, [join(ROOT, 'test/fixtures/arms-dead-man.ts'), ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.push(child)
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      return { id: said.toString().trim(), child }
    },
    async fired() {
      let found: Fired | null = null
      await until('what it did', async () => {
        found = (await deadMan.look()).fired
        return found !== null && (await readStanding(dir)) === null
      })
      return found ?? assert.fail()
    },
    pid: async () => (await readStanding(dir))?.pid ?? assert.fail('none stands'),
  }
}

/** Two releases, with `current` at the second, and a dead-man of theirs. */
export function releasesStand(t: TestContext, more: Partial<DeadManOptions> = {}, activate: readonly string[] = []) {
  const base = folder(t)
  const path = makeReleases(join(base, 'app'), 2)
  move(path, '2')
  const target = { name: 'app', kind: 'releases', path, running: '', activate, activationDeadlineMs: 5000 } as const
  const stand = deadManStand(t, { target, account: null, ...more }, join(base, 'state'))
  return { ...stand, base, path, one: release(path, '1'), two: release(path, '2') }
}

export const release = (path: string, name: string): Ref => ({ generation: name, path: `${path}/releases/${name}` })

export function move(path: string, name: string): void {
  unlinkSync(join(path, 'current'))
  symlinkSync(`releases/${name}`, join(path, 'current'))
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

export const until = (what: string, isSo: () => boolean | Promise<boolean>): Promise<void> =>
  untilWithin(what, isSo, DEADLINE_MS)

export const isAlive = (pid: number): boolean => !['Z', 'X', undefined].includes(readStat(pid)?.state)

/** Living processes with this word among their arguments. */
export function withWord(word: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && pid !== process.pid && isAlive(pid) && wordsOf(pid).some(each => each.includes(word)))
}

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** Living processes that have this file open. */
export function withOpen(path: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && pid !== process.pid && isAlive(pid) && filesOf(pid).includes(path))
}

function filesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

/** Everything about a tree that a write in it would change. */
export function printOf(path: string): string {
  const { mode, uid, gid, ino, size, nlink, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true })
  const inside = lstatSync(path).isDirectory() ? readdirSync(path).toSorted() : []
  return [
    [path, mode, uid, gid, ino, size, nlink, mtimeNs, ctimeNs].join(' '),
    ...inside.map(name => printOf(join(path, name))),
  ].join('\n')
}
