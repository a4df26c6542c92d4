import assert from 'node:assert/strict'
import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CALLS, moveApart, placesIn, strace } from './nix-kill-stand.ts'
import { has, nixIsMissing, nixStand } from './nix-stand.ts'

/*
 * A switch and its settling are killed at each call that changes a name or writes one to the disk: in heald, in Nix, and
 * in switch-to-configuration itself. Afterwards each pointer leads to the old system or to the new one, a reboot to the
 * new one only if that runs; the same again, not killed, ends at the new one.
 */
const KILLS = Number(process.env.HEALD_SOAK_NIXOS_KILLS ?? 4)

test('killed at each step of a switch, and then again', async t => {
  const missing = nixIsMissing() ?? (has('strace') ? null : 'needs strace')
  if (missing !== null) return t.skip(missing)
  const { root, profile, env, path } = nixStand(t, { systems: true })
  const running = join(root, 'run/current-system')
  const pointers = [running, profile, join(root, 'boot-default')]
  const options = { name: 'system', profile, running, stateDir: join(root, 'heald'), env }
  const systems = ['good-3', 'extra'].map(path)
  const model = join(root, 'model')
  const switchTo = (system: string, before: readonly string[] = []) =>
    moveApart(options, { generation: 'wanted', path: system, createdMs: 0 }, before)
  const whole = switchTo(path('extra'), strace(model, '-e', `trace=${CALLS}`))
  assert.equal(whole.stdout, 'done \nsettled\n', whole.stderr)
  const places = placesIn(model, [root])
  const count = Math.min(places.length, KILLS)
  let struck = 0
  for (let index = 0; index < count; index++) {
    const { name, nth, about } = places[Math.floor((index * places.length) / count)] ?? assert.fail()
    const at = `${name} #${nth} (${about})`
    const [from, to] = index % 2 === 0 ? [path('extra'), path('good-3')] : [path('good-3'), path('extra')]
    assert.deepEqual(
      pointers.map(pointer => realpathSync(pointer)),
      [from, from, from],
      at,
    )
    const trace = join(root, 'trace')
    switchTo(to, strace(trace, '-e', `trace=${name}`, '-e', `inject=${name}:signal=SIGKILL:when=${nth}`))
    if (/killed by SIGKILL/.test(readFileSync(trace, 'utf8'))) struck += 1
    const [runs = '', profiled = '', boots = ''] = pointers.map(pointer => realpathSync(pointer))
    for (const led of [runs, profiled, boots]) assert.ok(systems.includes(led), `${at}: ${led}`)
    if (profiled === to || boots === to) assert.equal(runs, to, `${at}: a reboot leads to what never ran`)
    const again = switchTo(to)
    assert.equal(again.stdout, 'done \nsettled\n', `${at}: ${again.stderr}`)
    assert.deepEqual(
      pointers.map(pointer => realpathSync(pointer)),
      [to, to, to],
      at,
    )
  }
  assert.ok(struck >= Math.floor(count * 0.8), `only ${struck} of ${count} were killed`)
  t.diagnostic(`killed at ${struck} of ${places.length} places`)
})
