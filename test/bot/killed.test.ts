import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeChat } from '../fakes/chat.ts'
import { fakeClock } from '../fakes/clock.ts'
import { beginLife, type Disk, makeLedger, settle } from './lives.ts'
import { ALL, channelSpec, noticeSpec } from './stand.ts'

const CHANNELS = ['telegram', 'discord'] as const
const LOOP = { severity: 'critical', cause: 'crash loop: 3 failures', step: 'crash loop' }

/** A crash loop with its sound, a call after nobody answered, a warning beside it, and the end of both. */
async function play(killAt: number, tellTwins: boolean) {
  const chats = CHANNELS.map(name => fakeChat(name, { tellTwins }))
  const clock = fakeClock()
  const disk: Disk = { text: '' }
  const ledger = makeLedger(clock)
  const notice = noticeSpec({
    channels: CHANNELS.map(name => channelSpec(name)),
    routes: [{ match: ALL, to: CHANNELS, graceMs: 2000 }],
  })
  let count = 0
  let killedAt: string | null = null
  const begin = () => beginLife(ledger, chats, { clock, disk, notice, at })
  let life = begin()
  function at(name: string): void {
    count += 1
    if (count !== killAt) return
    killedAt = name
    life.kill()
    // As heald does, a moment later.
    clock.after(300, () => {
      life = begin()
    })
  }
  const agent = ledger.open('agent')
  await settle(clock, 1000, 100)
  ledger.step(agent, 'incident.escalated', LOOP)
  await settle(clock, 4000, 100)
  const web = ledger.open('web')
  ledger.write('escalation.due', { incident: agent, step: 0, to: ['discord'], fallback: false })
  await settle(clock, 6000, 100)
  ledger.resolve(web)
  ledger.resolve(agent)
  await settle(clock, 5000, 100)
  const items = [...life.items.values()]
  await life.close()
  const shown = chats.map(chat => [...chat.shown.values()])
  return { killedAt, shown, items, name: `killed ${killedAt} (${killAt})` }
}

for (const tellTwins of [true, false])
  test(`killed at any moment: every card ends right, every call is made, ${tellTwins ? 'once' : 'at most once more'}`, async t => {
    const moments: string[] = []
    for (let killAt = 1; ; killAt += 1) {
      const { killedAt, shown, items, name } = await play(killAt, tellTwins)
      for (const [at, messages] of shown.entries()) {
        const its = items.filter(({ channel }) => channel === CHANNELS[at])
        const known = messages.filter(({ reference }) => its.some(item => item.reference === reference))
        assert.deepEqual(
          known.map(({ message }) => message.title).sort(),
          ['Resolved: agent on web-1 is well again', 'Resolved: web on web-1 is well again'],
          `${name}: ${messages.map(({ message }) => message.title).join(' | ')}`,
        )
        const keys = new Set(messages.map(({ key }) => key))
        // Two cards and a sound; at the second chat the call, too.
        assert.equal(keys.size, 3 + at, `${name}: ${messages.map(({ message }) => message.title).join(' | ')}`)
        assert.equal(messages.filter(({ isSilent }) => !isSilent).length, 1 + at + loudTwins(messages), name)
        const twins = messages.length - keys.size
        assert.ok(twins <= (tellTwins || killedAt === null ? 0 : 1), `${name}: ${twins} twins`)
      }
      if (killedAt === null) break
      moments.push(killedAt)
    }
    assert.ok(moments.length > 30, `${moments.length} moments`)
    t.diagnostic(`${moments.length} moments: ${[...new Set(moments)].join(', ')}`)
  })

function loudTwins(messages: readonly { readonly key: string; readonly isSilent: boolean }[]): number {
  const loud = messages.filter(({ isSilent }) => !isSilent)
  return loud.length - new Set(loud.map(({ key }) => key)).size
}
