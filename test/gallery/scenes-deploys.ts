import { pingOf, sceneOf } from './scene.ts'
import type { Scene } from './scenes.ts'
import { newStory, type Story } from './story.ts'

const R41 = { generation: 'r41', path: '/srv/site/releases/r41' }
const R42 = { generation: 'r42', path: '/srv/site/releases/r42' }
const ON = { target: 'site', place: 'releases /srv/site' }
const BY = { actor: 'local:ada' }
const DIFF = ['changed: server.mjs', 'changed: package.json', 'only in r41: settings.json']

/** New generations, and the way back from them. */
export function deploys(): Scene[] {
  return [rolledBackByHeald(), probation(), committed(), rolledBack(), held()]
}

function rolledBackByHeald(): Scene {
  const story = newStory(601)
  const first = 'exited with code 1 after 12 m'
  const failed = 'exited with code 1 after 133 ms'
  const inc = story.open('web', first)
  story.exit(inc, first, 1).wait(133).exit(inc, failed, 2, 192).wait(133)
  story.step(inc, 'service.exited', { diagnosis: failed, wanted: false })
  story.step(inc, 'crashloop.detected', { failures: 3, withinMs: 60_000, verdict: 'rollback', why: failed })
  const cause = `crash loop: 3 failures within 1 m of being ready; last: ${failed}`
  story.step(inc, 'incident.escalated', { severity: 'critical', cause, step: 'crash loop' })
  story.step(inc, 'service.restarting', { attempt: 3, delayMs: 904, cause: failed })
  const back = { ...ON, from: R42, to: R41 }
  story.write('rollback.started', { ...back, cause: 'crashloop', why: 'web crash-loops' }, { inc }).wait(31)
  story.write('rollback.activated', { ...back, tookMs: 26.9 }, { inc }).wait(4)
  story.step(inc, 'service.started', { pid: 7871, attempt: 0, generation: 'r41' }).wait(120)
  story.step(inc, 'service.ready', { pid: 7871, readyMs: 119.9 })
  story.step(inc, 'incident.resolved', { downMs: 709.3, how: 'rolled back to r41' })
  story.write('rollback.verified', back, { inc }).wait(20)
  const quarantined = { ...ON, ...R42, level: 'failed', why: 'web crash-loops', diff: DIFF }
  story.write('generation.quarantined', quarantined, { inc })
  const caption = 'A crash loop after a deploy: rolled back, with what the new release had changed.'
  return sceneOf('crash-loop-rolled-back', caption, story)
}

function deploying(): Story {
  const story = newStory(700)
  const change = { ...ON, from: R41, to: R42 }
  story.write('switch.armed', { ...change, deadlineMs: 60_000, by: 'local:ada', baseline: [] }, BY).wait(12)
  story.write('deadman.armed', { ...ON, id: '4310aedc', to: R41, afterMs: 300_000 })
  story.write('switch.activating', change).wait(208)
  return story.write('switch.probation', { ...change, why: '', deadlineMs: 120_000, tookMs: 205.8 })
}

function probation(): Scene {
  const caption = 'A deploy on probation: nothing is settled yet, and nobody has to do anything.'
  return sceneOf('deploy-probation', caption, deploying().wait(4000))
}

function committed(): Scene {
  const story = deploying().wait(120_000)
  const change = { ...ON, from: R41, to: R42 }
  story.write('switch.committing', change).wait(11).write('deadman.disarmed', ON)
  story.write('switch.committed', change).wait(7)
  story.write('generation.good', { ...ON, ...R42, level: 'known-good' })
  return sceneOf('deploy-committed', 'The same deploy, committed.', story)
}

function rolledBack(): Scene {
  const story = deploying().wait(2300)
  const why = 'the services are not well with it: web: did not become ready within 2 s'
  const back = { ...ON, from: R42, to: R41 }
  story.write('rollback.started', { ...back, cause: 'probation', why }).wait(29)
  story
    .write('rollback.activated', { ...back, tookMs: 24.1 })
    .wait(410)
    .write('rollback.verified', back)
    .wait(10)
  story.write('generation.quarantined', { ...ON, ...R42, level: 'failed', why, diff: DIFF })
  return sceneOf('deploy-rolled-back', 'A deploy that did not pass its probation.', story)
}

function held(): Scene {
  const story = deploying().wait(2300)
  const why = 'the services are not well with it: web: crash loop: exited with code 1 after 90 ms'
  const back = { ...ON, from: R42, to: R41 }
  story.write('rollback.started', { ...back, cause: 'probation', why }).wait(29)
  story.write('rollback.activated', { ...back, tookMs: 24.1 }).wait(1900)
  const held = 'the services are not well with r41 either, which is known to be good'
  story.write('rollback.held', { ...ON, why: held, verdict: 'environment', current: R41 })
  const caption = 'Held: it is not the release, so heald stops changing things and calls people.'
  return sceneOf('held', caption, story, pingOf(story.card()))
}
