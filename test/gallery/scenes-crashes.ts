import { pingOf, sceneOf } from './scene.ts'
import type { Scene } from './scenes.ts'
import { newStory } from './story.ts'

/** Processes that end, hang, or do so again and again. */
export function crashes(): Scene[] {
  return [crashRecovered(), crashLoop(), outOfMemory(), hang(), together(), flapping()]
}

function crashRecovered(): Scene {
  const story = newStory()
  const cause = 'killed by SIGKILL, sent from outside heald, after 4 m 2 s'
  const inc = story.open('agent', cause)
  story.exit(inc, cause, 1).wait(78).step(inc, 'service.ready', { pid: 7426, readyMs: 78.2 })
  story.step(inc, 'service.recovered', { downMs: 84.6, attempts: 1 })
  story.step(inc, 'incident.resolved', { downMs: 84.6, how: 'restarted' })
  return sceneOf('crash-recovered', 'A crash that healed at once. It made no sound.', story)
}

function crashLoop(): Scene {
  const story = newStory(212)
  const killed = 'killed by SIGSEGV after 2 h 11 m'
  const failed = 'exited with code 1 after 106 ms'
  const inc = story.open('agent', killed)
  story.exit(inc, killed, 1).wait(106).exit(inc, failed, 2, 216).wait(171)
  story.step(inc, 'service.exited', { diagnosis: failed, wanted: false })
  story.step(inc, 'crashloop.detected', { failures: 3, withinMs: 60_000, verdict: 'slow restarts', why: failed })
  const cause = `crash loop: 3 failures within 1 m of being ready; last: ${failed}`
  story.step(inc, 'incident.escalated', { severity: 'critical', cause, step: 'crash loop' })
  story.step(inc, 'service.restarting', { attempt: 3, delayMs: 830, cause: failed }).wait(830)
  story.step(inc, 'service.started', { pid: 7430, attempt: 3 }).wait(104)
  story.exit(inc, failed, 4, 1900).wait(98)
  story.step(inc, 'service.exited', { diagnosis: failed, wanted: false })
  story.step(inc, 'service.restarting', { attempt: 5, delayMs: 3800, cause: failed }).wait(300)
  const caption = 'A crash loop that restarts do not cure. The answer to it makes the sound.'
  return sceneOf('crash-loop', caption, story, pingOf(story.card()))
}

function outOfMemory(): Scene {
  const story = newStory(301)
  const cause = 'killed by the kernel: out of memory, 512 MiB limit, after 1 h 7 m'
  const inc = story.open('worker', cause)
  story.exit(inc, cause, 1).wait(1140).step(inc, 'service.ready', { pid: 7532, readyMs: 1140 })
  story.step(inc, 'service.recovered', { downMs: 1140, attempts: 1 })
  story.step(inc, 'incident.resolved', { downMs: 1140, how: 'restarted' })
  return sceneOf('out-of-memory', 'Out of memory: said as what it is, with the limit.', story)
}

function hang(): Scene {
  const story = newStory(344)
  const error = '127.0.0.1:8080 took the connection but did not answer within 500 ms'
  const inc = story.open('api', `hangs: ${error}`)
  story.step(inc, 'service.hung', { check: 'liveness (http)', misses: 3, error, sinceMs: 4012 }).wait(6)
  const diagnosis = `did not answer its health check 3 times in 4 s (${error}) and was killed by heald`
  story.exit(inc, diagnosis, 1)
  return sceneOf('hang', 'A service that hangs: seen by its check, killed, being started again.', story)
}

function together(): Scene {
  const story = newStory(390)
  const cause = 'exited with code 7 after 3 h 20 m'
  const services = ['api', 'web', 'worker', 'mailer']
  const incidents = services.map(name => story.wait(40).open(name, cause))
  for (const inc of incidents) story.exit(inc, cause, 1)
  const [first = ''] = incidents
  story.wait(900).step(first, 'service.ready', { readyMs: 900 })
  story.step(first, 'incident.resolved', { downMs: 940, how: 'restarted' })
  return sceneOf('together', 'What fails together is one card with a list.', story)
}

function flapping(): Scene {
  const story = newStory(460)
  for (let n = 1; n <= 6; n += 1) {
    const cause = `exited with code 1 after ${50 + n} s`
    const inc = story.open('poller', cause)
    story.exit(inc, cause, 1).wait(320).step(inc, 'service.ready', { readyMs: 320 })
    if (n === 6) return sceneOf('flapping', 'One that comes and goes stays one card, and counts.', story)
    story.step(inc, 'incident.resolved', { downMs: 326, how: 'restarted' }).wait(52_000)
  }
  throw new Error('not reached')
}
