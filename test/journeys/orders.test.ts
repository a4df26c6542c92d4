import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Entry } from '../../core/entry.ts'
import type { Speaking } from '../conformance/speaking.ts'
import { makeChats } from './chats.ts'
import { codeNow, makeOrderedSite, writeSecret } from './people.ts'

/*
 * A crash loop is noticed; one person asks for the way back on one platform, another one approves it with a code on another:
 * typed on Telegram, by a form on Discord and Slack. Everybody sees the outcome, with receipts that verify.
 */
const RECEIPT = /#(\d+)·[a-z2-7]{26}/
/** For each walk a release that breaks: the one before is not trusted any more. */
const RELEASES = { r1: 'well', r2: 'breaks', r3: 'breaks', r4: 'breaks' } as const

async function makeSite(t: TestContext) {
  const chats = await makeChats(t)
  const { stand, all, telegram, discord, slack } = chats
  const totp = { file: join(stand.root, 'totp') }
  writeSecret(totp.file)
  const operators = {
    alice: { role: 'operator', telegram: [Number(telegram.people[0])], totp },
    bob: { role: 'operator', discord: [discord.people[0]], totp },
    carol: { role: 'operator', slack: [slack.people[0]], totp },
    erin: { role: 'operator', slack: [slack.people[1]] },
  }
  const policy = { rollback: { approvals: 1, code: true } }
  const { folder } = await makeOrderedSite(chats, RELEASES, { policy, operators })
  // Frozen, heald does nothing about it by itself: it is people's turn.
  await stand.must('freeze', 'watching it')
  const nameOf = (platform: Speaking) => ({ telegram: 'alice', discord: 'bob', slack: 'carol' })[platform.name] ?? ''
  const codes: string[] = []

  /** Presses a button of the card that says `text`, once it is there. */
  async function press(platform: Speaking, text: string, label: RegExp, by: 0 | 1 = 0): Promise<void> {
    const { reference, id } = await stand.wait(`${platform.name} shows ${label} at "${text}"`, () => {
      for (const shown of chats.shown(platform).toReversed()) {
        const id = shown.buttons[shown.labels?.findIndex(each => label.test(each)) ?? -1]
        if (id !== undefined && shown.text.includes(text)) return { reference: shown.reference, id }
      }
      return null
    })
    platform.press(chats.chatOf(platform), reference, id, by)
  }

  /** Gives a code for the command: by the form behind the button, or typed where there are no forms. */
  async function approve(platform: Speaking, id: string, code: string, by: 0 | 1 = 0): Promise<void> {
    const forms = platform.forms().length
    if (!platform.does.forms) return platform.say(chats.chatOf(platform), `/approve ${id} ${code}`, 1, by)
    await press(platform, `(${id})`, /^Approve$/, by)
    await stand.wait(`the form on ${platform.name}`, () => platform.forms().length > forms)
    platform.fillIn(code)
  }

  async function denied(what: string, attempt: () => Promise<void>): Promise<void> {
    const before = stand.of('command.denied').length
    await attempt()
    await stand.wait(`${what} is denied`, () => stand.of('command.denied').length > before)
  }

  /** Its newest card that says all of `says`, told of since `since`, on this platform. */
  function cardAt(platform: Speaking, says: readonly string[], since: Entry): string | undefined {
    const isNew = (text: string) => Number(RECEIPT.exec(text)?.[1] ?? 0) > since.seq
    return chats.texts(platform).findLast(text => says.every(each => text.includes(each)) && isNew(text))
  }

  async function walk(asker: Speaking, approver: Speaking, release: string): Promise<void> {
    const way = `${asker.name} to ${approver.name}`
    await stand.must('deploy', 'app', release)
    const loops = stand.of('crashloop.detected').length
    writeFileSync(join(folder.path, 'releases', release, 'broken'), '')
    await stand.wait('the crash loop is noticed', () => stand.of('crashloop.detected').length > loops)
    await press(asker, 'crash loop', /^Roll back to r1$/)

    const asked = stand.of('command.awaiting').length
    const awaiting = await stand.wait(`${way}: it waits`, () => stand.of('command.awaiting')[asked])
    const id = String(awaiting.data.id)
    assert.equal(folder.current(), release)
    // There is no form on Telegram, so it is said what has to be written, and that it is not for who asked.
    const isTold = ({ text }: { text: string }) =>
      text.includes(`Whoever approves it writes /approve ${id} and the six digits`)
    if (!asker.does.forms) await stand.wait(`${way}: it is said how`, () => asker.answers().some(isTold))
    await chats.everywhere('the command', texts => texts.some(text => text.includes(`Waiting: rollback app`)))
    // Who may approve is called by a message of its own that makes a sound, under the card.
    const [user = ''] = approver.people
    const isCalling = ({ pings, text }: { pings?: readonly string[]; text: string }) =>
      pings?.some(each => user.endsWith(each)) === true && text.includes(`${id} ·`)
    const calling = await stand.wait(`${nameOf(approver)} is called`, () => chats.shown(approver).find(isCalling))
    assert.equal(calling.isSilent, false)
    assert.ok(chats.shown(approver).some(({ reference }) => reference === calling.replyTo))

    await denied('who asked', () => approve(asker, id, codeNow()))
    await denied('who has no code', () => approve(slack, id, '123456', 1))
    assert.equal(folder.current(), release)
    if (!approver.does.forms) {
      await press(approver, `(${id})`, /^Approve$/)
      const isSaid = () =>
        approver.answers().some(({ text }) => text.includes(`Write /approve ${id} and the six digits`))
      await stand.wait('it is said how to give the code', isSaid)
    }
    codes.push(codeNow())
    await approve(approver, id, codes.at(-1) ?? '')

    const isDone = () => stand.of('command.succeeded').some(({ data }) => data.id === id)
    await stand.wait(`${way}: it is done`, isDone)
    assert.equal(folder.current(), 'r1')
    for (const platform of all) {
      const command = await stand.wait(`${way}: the command’s card on ${platform.name}`, () =>
        cardAt(platform, [`Done: rollback app`, `(${id})`, 'Approved by'], awaiting),
      )
      const incident = await stand.wait(`${way}: the incident’s card on ${platform.name}`, () =>
        cardAt(platform, ['Resolved: web on'], awaiting),
      )
      for (const card of [command, incident])
        assert.match(await stand.must('ledger', 'check', RECEIPT.exec(card)?.[0] ?? ''), /✓ fits/)
      for (const said of [nameOf(asker), nameOf(approver), release, 'r1'])
        assert.ok(command.includes(said), `${said} in ${command}`)
      const left = chats
        .shown(platform)
        .flatMap(({ labels = [] }) => labels.filter(each => /^(Approve|Deny)$/.test(each)))
      assert.deepEqual(left, [], `${way}: nothing is left to be pressed on ${platform.name}`)
    }
  }

  return { chats, stand, walk, codes }
}

test('a crash loop, Roll back on one platform, approved with a code on another: done, and both cards prove it', async t => {
  const { chats, stand, walk, codes } = await makeSite(t)
  const { telegram, discord, slack } = chats
  await walk(telegram, discord, 'r2')
  await walk(discord, slack, 'r3')
  await walk(slack, telegram, 'r4')
  assert.equal(stand.of('rollback.verified').length, 3)
  const everything = JSON.stringify(stand.entries()) + stand.said()
  for (const code of codes) assert.doesNotMatch(everything, new RegExp(`\\b${code}\\b`), 'the code is recorded nowhere')
  await stand.must('ledger', 'verify', '--commands')
  chats.withinLimits()
  await stand.verified()
})
