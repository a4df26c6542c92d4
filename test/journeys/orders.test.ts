import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeChats } from './chats.ts'
import { buttonAt, codeNow, makeOrderedSite, press } from './people.ts'

const RECEIPT = /#\d+·[a-z2-7]{26}/

test('a crash loop, Roll back on one platform, approved with a code on another: done, and both cards prove it', async t => {
  const chats = await makeChats(t)
  const { stand, telegram, discord, slack } = chats
  const policy = { rollback: { approvals: 1, code: true } }
  const { folder } = await makeOrderedSite(chats, { r1: 'well', r2: 'breaks' }, { policy })
  await stand.must('deploy', 'app', 'r2')
  // Frozen, heald does nothing about it by itself: it is people's turn.
  await stand.must('freeze', 'watching it')
  writeFileSync(join(folder.path, 'releases/r2/broken'), '')
  await press(chats, telegram, /^Roll back to r1$/)

  const awaiting = await stand.wait('it waits', () => stand.of('command.awaiting')[0], 30_000)
  assert.equal(folder.current(), 'r2')
  await chats.everywhere('the command', texts => texts.some(text => text.includes('Waiting: rollback app')))
  // Bob is called where he has an account, by a message of its own that makes a sound.
  const calling = await stand.wait('bob is called', () =>
    chats.shown(discord).find(({ pings }) => pings?.includes(discord.people[0])),
  )
  assert.equal(calling.isSilent, false)
  assert.ok(chats.shown(discord).some(({ reference }) => reference === calling.replyTo))
  await stand.wait('bob is named elsewhere', () =>
    [telegram, slack].every(platform => chats.texts(platform).some(text => /bob/.test(text))),
  )

  // Who asked may not, nor who has no code.
  await press(chats, telegram, /^Approve$/)
  await press(chats, slack, /^Approve$/)
  await stand.wait('the form on Slack', () => slack.forms().length === 1)
  slack.fillIn('123456')
  await stand.wait('two tries were denied', () => stand.of('command.denied').length === 2)
  await press(chats, discord, /^Approve$/)
  await stand.wait('the form', () => discord.forms().length === 1)
  const code = codeNow()
  discord.fillIn(code)

  await stand.wait(
    'it is done',
    () => stand.of('command.succeeded').some(({ data }) => data.id === awaiting.data.id),
    40_000,
  )
  assert.equal(folder.current(), 'r1')
  assert.equal(stand.of('rollback.verified').length, 1)
  await chats.everywhere('the outcome', texts =>
    texts.some(text => text.includes('Done: rollback app') && text.includes('Approved by')),
  )
  await chats.everywhere('the incident is over', texts =>
    texts.some(text => text.includes('Resolved') && text.includes('web on')),
  )
  for (const platform of chats.all) {
    const cards = chats.texts(platform).filter(text => /Done: rollback app|Resolved: web on/.test(text))
    assert.equal(cards.length, 2, platform.name)
    for (const card of cards) {
      const [receipt = ''] = RECEIPT.exec(card) ?? []
      assert.match(await stand.must('ledger', 'check', receipt), /✓ fits/)
    }
    const command = cards.find(text => text.includes('Done: rollback app')) ?? ''
    for (const said of ['alice', 'bob', 'r2', 'r1']) assert.ok(command.includes(said), `${said} in ${command}`)
    assert.equal(buttonAt(chats, platform, /^(Approve|Deny)$/), null, 'nothing is left to be pressed')
  }
  const everything = JSON.stringify(stand.entries()) + stand.said()
  assert.ok(!everything.includes(`"${code}"`), 'the code is recorded nowhere')
  const verified = await stand.cli('ledger', 'verify', '--commands')
  assert.equal(verified.code, 0, verified.stdout)
  chats.withinLimits()
  await stand.verified()
})
