import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { has } from '../../core/ledger/stand.ts'
import { currentOf, folder, MOVER, makeReleases, mount, mountedImage, unmount } from './releases-stand.ts'

/*
 * The power goes at some call of a move to a release that was unpacked just before. The disk is an image file; what had
 * reached it at that moment is what a copy of the file holds. The kernel writes nothing there by itself meanwhile
 * (commit=300), so that what nobody has asked to be durable is lost for certain.
 */
const CUTS = ['unlink 1', 'symlink 1', 'rename 1', 'fsync 1', null] as const
const ROUNDS = Number(process.env.HEALD_SOAK_POWER_CUTS ?? 1)
const SIZE = 100_000

test('after a power cut the pointer leads to a whole release; to the new one, once it was said to be done', async t => {
  if (!has('strace') || !has('mkfs.ext4')) return t.skip('needs strace and mkfs.ext4')
  const base = folder(t)
  const mounted = mountedImage(base, 16 * 1024 * 1024)
  if (mounted === null) return t.skip('needs root and loop devices')
  const { image, disk } = mounted
  const path = makeReleases(join(disk, 'app'), 1, { big: 'x'.repeat(SIZE) })
  execFileSync('sync', ['-f', disk])
  const seen: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, cut] of CUTS.entries()) {
      const release = `${round}-${index}`
      const before = currentOf(path)
      mkdirSync(join(path, 'releases', release))
      writeFileSync(join(path, 'releases', release, 'big'), 'x'.repeat(SIZE))
      writeFileSync(join(path, 'releases', release, 'version'), 'new\n')
      const [name, nth] = cut?.split(' ') ?? []
      const inject =
        cut === null
          ? []
          : ['strace', '-f', '-qq', '-o', join(base, 'trace'), '-e', `inject=${name}:signal=SIGKILL:when=${nth}`]
      const [command = '', ...args] = [...inject, process.execPath, MOVER, path, release]
      const mover = spawn(command, args, {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      })
      let said = ''
      mover.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (text.includes('ready')) mover.stdin.write('\n')
      })
      mover.stdin.on('error', () => {})
      await once(mover, 'close')
      const copy = join(base, 'copy')
      copyFileSync(image, copy)
      const isDone = said.includes(`done ${release}`)
      assert.equal(isDone, cut === null, `${cut}: ${said}`)
      const after = join(base, 'after')
      assert.ok(mount(after, '-o', 'loop', copy))
      const current = currentOf(join(after, 'app'))
      seen.push(`${cut ?? 'done'}: ${current === before ? 'old' : 'new'}`)
      assert.ok(current === before || current === `releases/${release}`, `${cut}: it leads to ${current}`)
      if (isDone) assert.equal(current, `releases/${release}`, 'what was done is done')
      assert.equal(readFileSync(join(after, 'app/current/big'), 'utf8').length, SIZE, `${cut}: the release is whole`)
      assert.ok(readFileSync(join(after, 'app/current/version'), 'utf8').endsWith('\n'))
      unmount(after)
      rmSync(copy)
    }
  }
  t.diagnostic(seen.join(', '))
})
