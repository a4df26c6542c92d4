import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { nixos } from '../../../adapters/host/nixos.ts'
import { nixIsMissing, nixStand } from './nix-stand.ts'

/** Takes what bootctl(1) names of what is used, and nothing else; `once` is the loader's variable. */
const BOOTCTL = `#!/bin/sh
[ -z "$SYSTEMD_LOG_LEVEL" ] || exit 64
case "$#:$1" in
  1:is-installed) [ -d @root@/esp/loader ] ;;
  1:--print-boot-path) echo @root@/esp ;;
  2:set-oneshot)
    [ -z "$2" ] && { rm -f @root@/once; exit; }
    [ -e "@root@/esp/loader/entries/$2" ] || { echo "no entry $2" >&2; exit 1; }
    [ ! -e @root@/broken ] || { echo 'Failed to set EFI variable' >&2; exit 1; }
    printf %s "$2" > @root@/once
    ;;
  *) echo "bootctl: what is $*?" >&2; exit 64 ;;
esac
`

/** The good system runs, and the one that needs a reboot is generation 4 of the profile. */
function site(t: TestContext, hasLoader = true) {
  const stand = nixStand(t, { systems: true })
  const { profile, root } = stand
  const at = (name: string) => join(root, name)
  for (const name of ['init', 'good-3']) stand.run('nix-env', '--profile', profile, '--set', stand.path(name))
  mkdirSync(at('fake-bin'))
  writeFileSync(at('fake-bin/bootctl'), BOOTCTL.replaceAll('@root@', root), { mode: 0o755 })
  if (hasLoader) mkdirSync(at('esp/loader/entries'), { recursive: true })
  const env = { ...stand.env, PATH: `${at('fake-bin')}:${process.env.PATH}` }
  const entry = (number: string, path: string) =>
    writeFileSync(
      at(`esp/loader/entries/nixos-generation-${number}.conf`),
      `title NixOS\noptions init=${path}/init quiet\n`,
    )
  const target = nixos({ name: 'system', profile, running: at('run/current-system'), stateDir: at('heald'), env })
  return {
    ...{ stand, at, entry, target },
    once: () => (existsSync(at('once')) ? readFileSync(at('once'), 'utf8') : null),
    /** How the one that needs a reboot ends. */
    async tryIt(ref = '4') {
      const { verdict, exitCode, why } = await target.activate(await target.resolve(ref), 20_000)
      assert.deepEqual([verdict, exitCode], ['reboot', 100])
      return why
    },
  }
}

test('a system that needs a reboot is tried at the next boot, once, and that is called off by the next switch', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { stand, at, entry, target, once, tryIt } = site(t)
  entry('4', stand.path('init'))
  assert.match(await tryIt(), /exit code 100.*; the next boot tries it, once \(nixos-generation-4\.conf\)$/)
  assert.equal(once(), 'nixos-generation-4.conf')
  assert.equal((await target.look()).boot?.path, stand.path('good-3'), 'every later boot leads back')
  const good = await target.resolve(stand.path('good-2'))
  assert.equal((await target.activate(good, 20_000)).verdict, 'done')
  await target.settle(good, [good.path])
  assert.equal(once(), null)
  // What somebody else prepares is his.
  writeFileSync(at('once'), 'other.conf')
  await target.settle(good, [good.path])
  assert.equal(once(), 'other.conf')
})

test('a system that is deployed by its path is tried as well where it is a generation, else it is said what is missing', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { stand, entry, once, tryIt } = site(t)
  entry('3', stand.path('good-1'))
  entry('4', stand.path('init'))
  assert.match(await tryIt(stand.path('init')), /the next boot tries it, once \(nixos-generation-4\.conf\)$/)
  assert.equal(once(), 'nixos-generation-4.conf')

  const alone = site(t)
  for (const number of ['4', '5']) rmSync(`${alone.stand.profile}-${number}-link`, { force: true })
  const why = await alone.tryIt(alone.stand.path('init'))
  assert.match(
    why,
    /no trial boot is prepared: the boot loader has no entry for it, as it is no generation of .*system$/,
  )
})

test('where no trial boot can be prepared, that is said, with the reason', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { stand, at, entry, once, tryIt } = site(t)
  assert.match(await tryIt(), /no trial boot is prepared: the boot loader has no entry for it$/)
  assert.match(await tryIt(stand.path('init')), /has no entry for it$/)
  entry('4', stand.path('good-1'))
  assert.match(await tryIt(), /has no entry for it$/, 'the number alone proves nothing')
  entry('4', stand.path('init'))
  writeFileSync(at('broken'), '')
  assert.match(await tryIt(), /no trial boot is prepared: bootctl ended with exit code 1: Failed to set EFI variable$/)
  assert.equal(once(), null)
  assert.match(await site(t, false).tryIt(), /no trial boot is prepared: the boot loader is not systemd-boot$/)
})
