import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { GenerationStatus } from '../../../core/api/switch-control.ts'
import type { Context } from '../../../core/cli/command.ts'
import { run as runGenerations } from '../../../core/cli/generations.ts'
import { run as runStatus } from '../../../core/cli/status.ts'
import { columnsOf } from '../../../core/cli/text.ts'
import { stand } from '../api/stand.ts'
import { switchStand } from '../api/switch-stand.ts'
import { paperContext } from './context.ts'

const nowMs = () => Date.parse('2026-08-21T12:00:00.000Z')

async function withTargets(t: TestContext) {
  const switches = await switchStand(t)
  const { socket } = await stand(t, { switches })
  const generations = async (words: string[], changes: Partial<Context> = {}) => {
    const { context, out } = paperContext({ socket, nowMs, ...changes })
    assert.equal(await runGenerations(context, words), 0)
    return out()
  }
  const status = async (changes: Partial<Context> = {}) => {
    const { context, out } = paperContext({ socket, nowMs, ...changes })
    const code = await runStatus(context, [], {})
    return { code, out: out() }
  }
  return { switches, socket, generations, status }
}

test('generations are told with their marks in words, wide and narrow', async t => {
  const { generations } = await withTargets(t)
  const wide = await generations([], { columns: 200 })
  assert.match(wide, /^TARGET +GENERATION +WHEN +STATE +WHY +PATH$/m)
  assert.match(wide, /^web +release-9 +1 h ago \(11:00:00\) +\/srv\/web\/releases\/release-9$/m)
  assert.match(wide, /^web +release-6 .* ● current, ✓ known-good +\/srv\/web\/releases\/release-6$/m)
  assert.match(
    wide,
    /^web +release-5 +4 d ago \(2026-08-17 11:00:00\) +✗ quarantined +its services .* 1 m ␛\[2J +\/srv/m,
  )
  assert.match(wide, /^tools +12 .* ● current, ✓ known-good +\/nix\/store\/abc-tools$/m)

  const narrow = await generations(['web'], { columns: 80 })
  assert.ok(narrow.split('\n').every(line => columnsOf(line) <= 80))
  assert.match(narrow, /^web +release-5 +4 d ago +✗ quarantined +\/srv\/web\/rel.*…$/m)
  assert.match(narrow, /^ {4}its services crash-looped 3 times within 1 m ␛\[2J$/m)
  assert.doesNotMatch(narrow, /tools/)
})

test('colour goes along with a mark and is never all there is', async t => {
  const { generations } = await withTargets(t)
  const [painted, plain] = [await generations([], { colour: true }), await generations([])]
  assert.match(painted, /\x1b\[31m✗ quarantined\x1b\[39m/)
  assert.match(painted, /\x1b\[32m● current, ✓ known-good\x1b\[39m/)
  assert.equal(painted.replace(/\x1b\[\d+m/g, ''), plain)
  assert.doesNotMatch(plain, /\x1b/)
})

test('--json is the list as the daemon gave it; an unknown target is answered with the one that was meant', async t => {
  const { generations, socket, switches } = await withTargets(t)
  const list = JSON.parse(await generations(['web'], { json: true })) as GenerationStatus[]
  assert.deepEqual(list, await switches.control.generations('web'))
  await assert.rejects(runGenerations(paperContext({ socket }).context, ['tool']), {
    code: 'target.unknown',
    hint: 'Did you mean "tools"?',
  })
  await assert.rejects(runGenerations(paperContext({ socket }).context, ['web', 'x']), { code: 'usage.words' })
  const none = await stand(t)
  const { context, out } = paperContext({ socket: none.socket })
  assert.equal(await runGenerations(context, []), 0)
  assert.equal(out(), 'No target has generations. Targets are configured under "targets" in heald.yaml.\n')
  await assert.rejects(runGenerations(context, ['web']), {
    code: 'target.unknown',
    hint: 'no targets are configured: they stand under "targets" in heald.yaml',
  })
})

test('the status has a table of targets, and the generation of each service', async t => {
  const { status, switches } = await withTargets(t)
  const { code, out } = await status({ columns: 200 })
  assert.equal(code, 0)
  assert.match(out, /^SERVICE .* GENERATION$/m)
  assert.match(out, /^agent .* release-6$/m)
  assert.match(out, /^TARGET +KIND +STATE +CURRENT +KNOWN GOOD +QUARANTINED$/m)
  assert.match(out, /^web +releases +● idle +release-6 +release-6 +1$/m)
  assert.match(out, /^tools +nix-profile +● idle +12$/m)

  switches.become('held', 'its activation failed twice\x1b[2J')
  const held = await status({ columns: 80 })
  assert.equal(held.code, 1, 'a target that is held is not well')
  assert.match(held.out, /^HELD: nothing is switched or rolled back there on its own any more: web$/m)
  assert.match(held.out, /^web +releases +■ held +release-6 +release-6 +1\n {4}its activation failed twice␛\[2J$/m)
  assert.ok(held.out.split('\n').every(line => columnsOf(line) <= 80))
  assert.match((await status({ colour: true })).out, /\x1b\[31m■ held\x1b\[39m/)
  switches.become('a newer state' as never, null)
  assert.match((await status()).out, /^web +releases +\? a newer state /m)
})

test('without targets nothing is said of them', async t => {
  const { socket } = await stand(t)
  const { context, out } = paperContext({ socket })
  assert.equal(await runStatus(context, [], {}), 0)
  assert.doesNotMatch(out(), /TARGET|GENERATION|HELD|\n\n$/)
})

test('a watch prints a change of a target', async t => {
  const { socket, switches } = await withTargets(t)
  const ending = new AbortController()
  const seen: string[] = []
  const out = (text: string) => {
    seen.push((JSON.parse(text) as { targets: { state: string }[] }).targets[0]?.state ?? '')
    if (seen.length === 1) switches.become('probation', null)
    else ending.abort()
  }
  const { context } = paperContext({ socket, json: true, signal: ending.signal, out })
  assert.equal(await runStatus(context, [], { watch: true }), 0)
  assert.deepEqual(seen, ['idle', 'probation'])
})
