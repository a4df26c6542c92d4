import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeChats } from '../journeys/chats.ts'
import { NODE, ROOT, soak } from '../journeys/stand.ts'

const SERVICES = Array.from({ length: 8 }, (_, n) => `svc${n}`)

test('kill -9 of the bot again and again during a storm: the last state of everything is right on all platforms', async t => {
  const chats = await makeChats(t)
  const { stand } = chats
  const kills = soak(6, 100)
  chats.configure({
    services: Object.fromEntries(
      SERVICES.map(name => [
        name,
        {
          run: ['sleep', '1000'],
          restart: { backoff: { resetAfter: '1s' } },
          crashLoop: { failures: 100, within: '1s' },
        },
      ]),
    ),
    routes: [{ to: ['telegram', 'discord', 'slack'], grace: '1s' }],
    bot: { run: 'unit' },
  })
  await stand.up({ env: chats.env })
  const bot = () =>
    stand.start(
      [
        NODE,
        join(ROOT, 'heald.js'),
        'bot',
        '--folder',
        join(stand.root, 'bot'),
        '--socket',
        join(stand.state, 'bot.sock'),
      ],
      {
        env: chats.env,
      },
    )
  let isStorm = true
  const storm = (async () => {
    while (isStorm) {
      const name = SERVICES[Math.floor(Math.random() * SERVICES.length)] ?? 'svc0'
      for (const pid of stand.processes(name)) process.kill(pid, 'SIGKILL')
      await sleep(Math.random() * 400)
    }
  })()
  let running = bot()
  await stand.wait(
    'the bot works',
    async () => (await stand.status()).channels.every(({ state }) => state === 'up'),
    60_000,
  )
  for (let n = 0; n < kills; n += 1) {
    await sleep(200 + Math.random() * 1800)
    const gone = new Promise(resolve => running.once('exit', resolve))
    running.kill('SIGKILL')
    await gone
    running = bot()
  }
  isStorm = false
  await storm
  await stand.wait('all services are well', async () => (await stand.status()).incidents.open === 0, 120_000)
  const last = new Map(stand.of('incident.resolved').map(({ svc = '', seq }) => [svc, seq]))
  for (const platform of chats.all) {
    const twins = () => chats.texts(platform).filter(text => /Warning|Critical/.test(text)).length
    const told = () => chats.texts(platform).filter(text => /Resolved|Caught up/.test(text))
    await stand
      .wait(
        `everything is told on ${platform.name}`,
        () =>
          twins() <= (platform.can.tellTwins ? 0 : kills) &&
          [...last].every(([name, seq]) => told().some(text => text.includes(name) && isUpTo(text, seq))),
        120_000,
      )
      .catch(error => {
        throw new Error(
          `${error instanceof Error ? error.message : error}\n${twins()} say that something is wrong\n${chats
            .texts(platform)
            .map(text => text.slice(0, 100))
            .join('\n')}`,
        )
      })
    t.diagnostic(
      `${platform.name}: ${kills} kills, ${chats.texts(platform).length} messages, ${twins()} left behind by a kill`,
    )
  }
  chats.withinLimits()
  const ended = new Promise(resolve => running.once('exit', resolve))
  running.kill('SIGTERM')
  await ended
  assert.equal(running.exitCode, 0)
})

/** The card's receipt is of this entry or a later one; a summary has none. */
function isUpTo(text: string, seq: number): boolean {
  const [, receipt] = /#(\d+)·/.exec(text) ?? []
  return receipt === undefined ? text.includes('Caught up') : Number(receipt) >= seq
}
