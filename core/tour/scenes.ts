import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../clock.ts'
import { spanOf } from '../incident/measure.ts'
import { breakSettings, mendSettings, SAMPLE } from './plan.ts'
import {
  healing,
  killNow,
  later,
  next,
  orderAgent,
  type Scene,
  type Stage,
  showHealing,
  showReceipt,
  wellAgent,
} from './stage.ts'

export const killed: Scene = {
  title: 'It is killed',
  async play(stage) {
    const pid = await wellAgent(stage)
    if (pid === null) return false
    const harm = killNow(stage, pid)
    stage.page.say('done', `kill -9 ${pid}`)
    if (!(await showHealing(stage, harm, true))) return false
    // The first time much of the code runs for the first time.
    const second = await wellAgent(stage)
    const again = second === null ? null : await healing(stage, killNow(stage, second), true)
    if (again !== null) stage.page.say('again', `kill -9 ${second}: ${again.words}`, 'good')
    return again !== null
  },
}

export const hung: Scene = {
  title: 'It hangs',
  async play(stage) {
    const pid = await wellAgent(stage)
    if (pid === null) return false
    const harm = await orderAgent(stage, pid, 'hang')
    stage.page.say('done', `the agent is told to stop answering; its process ${pid} lives on`)
    const noticed = await next(stage, harm, 'service.hung')
    if (noticed === null) return false
    const { misses, everyMs, timeoutMs } = SAMPLE
    const allowed = `${misses} × ${everyMs} ms + ${timeoutMs} ms are what the configuration allows`
    stage.page.say('noticed', `after ${later(noticed, harm.atMs)}; ${allowed}`)
    return showHealing(stage, harm)
  },
}

export const leaking: Scene = {
  title: 'It leaks memory',
  async play(stage) {
    const { noLimit } = stage.plan
    if (noLimit !== null) {
      stage.page.say('left out', `without a memory limit there is nothing to show: ${noLimit}`, 'skipped')
      return null
    }
    const pid = await wellAgent(stage)
    if (pid === null) return false
    const harm = await orderAgent(stage, pid, 'leak')
    stage.page.say('done', `the agent is told to take more and more memory; its limit is ${SAMPLE.memory}`)
    return showHealing(stage, harm)
  },
}

export const looping: Scene = {
  title: 'It crash-loops',
  async play(stage) {
    const { page, plan, daemon } = stage
    const pid = await wellAgent(stage)
    if (pid === null) return false
    breakSettings(plan)
    const harm = killNow(stage, pid)
    try {
      page.say('done', `the agent's settings.json is broken, then kill -9 ${pid}: no new process can start`)
      const loop = await next(stage, harm, 'crashloop.detected')
      if (loop === null) return false
      page.say('seen', `${loop.data.why}; its log ends: ${lastWords(stage)}`)
      page.say('verdict', `crash loop: ${loop.data.failures} failures in ${later(loop, harm.atMs)}`)
      const slow = await next(stage, { seq: loop.seq }, 'service.restarting')
      const again = slow && (await next(stage, { seq: slow.seq }, 'service.exited'))
      const open = daemon.incidents().find(incident => incident.state !== 'resolved')
      if (again === null || open === undefined) return false
      const pause = spanOf(slow?.data.delayMs)
      page.say('meanwhile', `incident ${open.id} is ${open.severity}; slow restarts go on, the first after ${pause}`)
    } finally {
      mendSettings(plan)
    }
    const mended = { atMs: systemClock.monoMs(), seq: stage.watch.next() }
    page.say('done', 'settings.json is mended; nobody tells heald')
    const ready = await next(stage, mended, 'service.ready')
    const resolved = ready && (await next(stage, { seq: ready.seq }, 'incident.resolved'))
    if (ready === null || resolved === null) return false
    page.say(
      'healed',
      `answering ${later(ready, mended.atMs)} later; ${resolved.data.how}, so the incident is resolved`,
      'good',
    )
    showReceipt(stage, harm, resolved)
    return true
  },
}

/** The last line of the agent's log, as "heald logs agent" shows it. */
function lastWords({ plan }: Stage): string {
  const log = readFileSync(join(plan.dir, 'logs', `${SAMPLE.service}.log`), 'utf8')
  return log.trimEnd().split('\n').at(-1) ?? ''
}
