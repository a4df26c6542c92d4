import assert from 'node:assert/strict'
import { readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { CALLS, moveApart, placesIn, strace } from './nix-kill-stand.ts'
import { has, type NixStand, nixIsMissing, nixStand } from './nix-stand.ts'

/*
 * A move and its settling are killed at each call that changes a name or writes one to the disk, in heald itself and in
 * the Nix commands it runs. Afterwards the profile leads to the old path or to the new one, and the same again, not
 * killed, ends at the new one with nothing left over.
 */
const KILLS = Number(process.env.HEALD_SOAK_NIX_KILLS ?? 4)

/** A profile with generations 1 to 3 that nobody else moves. */
function freshProfile(stand: NixStand, name: string): string {
  const profile = join(stand.folder, name)
  for (const n of [1, 2, 3]) symlinkSync(stand.path(`good-${n}`), `${profile}-${n}-link`)
  symlinkSync(`${name}-3-link`, profile)
  return profile
}

for (const [what, name, number] of [
  ['to a generation that is there', 'good-1', '1'],
  ['to a path that is none yet', 'extra', 'extra'],
] as const)
  test(`killed at each step of a move ${what}, and then again`, async t => {
    const missing = nixIsMissing() ?? (has('strace') ? null : 'needs strace')
    if (missing !== null) return t.skip(missing)
    const stand = nixStand(t)
    const to = { generation: number, path: stand.path(name), createdMs: 0 }
    const move = (profile: string, before: readonly string[] = []) =>
      moveApart({ ...stand.options, profile }, to, before)
    const model = join(stand.root, 'model')
    const whole = move(freshProfile(stand, 'model'), strace(model, '-e', `trace=${CALLS}`))
    assert.equal(whole.stdout, 'done \nsettled\n', whole.stderr)
    const places = placesIn(model, [stand.folder, join(stand.root, 'heald'), join(stand.root, 'var/nix/gcroots')])
    for (const call of ['symlink', 'rename', 'fsync'])
      assert.ok(
        places.some(place => place.name.startsWith(call)),
        `${call} is called`,
      )
    const inFolder = readFileSync(model, 'utf8')
      .split('\n')
      .filter(line => line.includes(`${stand.folder}/model`) || line.includes(`${stand.folder}>`))
    const lastMove = inFolder.findLastIndex(line => / rename\(/.test(line))
    assert.ok(
      lastMove >= 0 && inFolder.slice(lastMove).some(line => / fsync\(/.test(line)),
      'what was moved is written down',
    )
    const step = Math.max(1, places.length / KILLS)
    const count = Math.min(places.length, KILLS)
    let struck = 0
    for (let index = 0; index < count; index++) {
      const { name: call, nth, about } = places[Math.floor(index * step)] ?? assert.fail()
      const at = `${call} #${nth} (${about})`
      const profile = freshProfile(stand, `p${index}`)
      const trace = join(stand.root, 'trace')
      const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${nth}`]
      move(profile, strace(trace, ...inject))
      if (/killed by SIGKILL/.test(readFileSync(trace, 'utf8'))) struck += 1
      const led = realpathSync(profile)
      assert.ok([stand.path('good-3'), to.path].includes(led), `${at}: ${led}`)
      const again = move(profile)
      assert.equal(again.stdout, 'done \nsettled\n', `${at}: ${again.stderr}`)
      assert.equal(realpathSync(profile), to.path, at)
      const left = stand.links().filter(link => new RegExp(`\\b${basename(profile)}\\b`).test(link))
      const wanted = ['', '-1-link', '-2-link', '-3-link'].map(end => `${basename(profile)}${end}`)
      const more = left.filter(link => !wanted.includes(link))
      assert.ok(
        more.every(link => /^p\d+-4-link$/.test(link)) && more.length === (name === 'extra' ? 1 : 0),
        `${at}: ${left}`,
      )
    }
    assert.ok(struck >= Math.floor(count * 0.8), `only ${struck} of ${count} were killed`)
    t.diagnostic(`killed at ${struck} of ${places.length} places`)
  })
