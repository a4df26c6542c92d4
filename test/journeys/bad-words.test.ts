import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Speaking } from '../conformance/speaking.ts'
import { makeChats } from './chats.ts'
import { codeNow, makeOrderedSite, press, writeSecret } from './people.ts'

/** What only looks like the name of a service, or like one line. */
const ODD = {
  quotes: ['/restart "web"', /can't be the service of "restart"/],
  'curly quotes': ['/restart “web”', /U\+201C\) is not a plain letter or sign/],
  'a letter that only looks like one': ['/restart w\u0435b', /U\+0435\) is not a plain letter or sign/],
  'a control character': ['/restart we\u0007b', /can't be the service of "restart"/],
  'what turns the text around': ['/freeze \u202eedoc', /can't be the why of "freeze"/],
  'a command of a shell': ['/restart web;reboot', /can't be the service of "restart"/],
  lines: ['/restart web\n/stop web', /"restart" takes one line|can't be the service of "restart"/],
  'more than a message may have': [`/freeze ${'x'.repeat(4000)}`, /4007 characters|4008 characters|can't be the why/],
} as const

test('who is not known, where heald is not, and what is no plain line: refused on every platform, and nothing is done', async t => {
  const { chats, platforms } = await makeSite(t)
  const { stand, telegram } = chats
  const pid = await stand.onlyProcess('web')
  for (const platform of platforms) {
    const [here, elsewhere] = placesOf(chats, platform)
    const { answered, denied } = watch(chats, platform)
    // By the other person, whom nobody has named.
    await answered(/nobody here is known by that account/i, () => platform.say(here, '/restart web', 1, 1))
    await denied(/nobody here is known/)
    await answered(new RegExp(`you are ${platform.name}:`), () => platform.say(here, '/whoami', 1, 1))
    await answered(/this chat is not one of heald's/i, () => platform.say(elsewhere, '/restart web'))
    await denied(/this chat is not one of heald's/)
  }
  // Said by somebody else, some other time; or another thing than what was said at first.
  const [chat] = placesOf(chats, telegram)
  const { world, updates } = telegram.fake
  const by = { id: Number(telegram.people[0]), first_name: 'Alice' }
  const forwarded = { forward_origin: { type: 'user', date: 1, sender_user: { ...by, is_bot: false } } }
  world.write(Number(chat), '/restart web', { by, more: forwarded })
  updates.add({
    edited_message: {
      message_id: 1,
      date: 1,
      chat: { id: Number(chat), type: 'private' },
      from: by,
      text: '/restart web',
    },
  })

  const before = stand.entries().filter(({ kind }) => /^command\./.test(kind)).length
  for (const platform of platforms) {
    const { answered } = watch(chats, platform)
    const [here] = placesOf(chats, platform)
    for (const [what, [line, says]] of Object.entries(ODD)) {
      // Its client lets nobody send so much.
      if (platform.name === 'discord' && line.length > 4000) continue
      const text = await answered(says, () => platform.say(here, line), what)
      assert.doesNotMatch(text, /[\u0007\u202e]/, `${platform.name}: ${what} steers nothing`)
    }
  }
  const after = stand.entries().filter(({ kind }) => /^command\./.test(kind))
  assert.deepEqual(after.slice(before), [], 'slips, forwarded and edited words leave nothing')
  assert.equal(stand.of('command.requested').length, 0)
  assert.equal(await stand.onlyProcess('web'), pid)
  chats.withinLimits()
  await stand.verified()
})

test('a button of another state does nothing, says what is so now, and its card gets another one', async t => {
  const { chats, platforms, folder } = await makeSite(t)
  const { stand } = chats
  const { pid: bot = null } = await stand.service('bot')
  const button = targetButtons(chats)
  await stand.must('deploy', 'app', 'r2')
  for (const [at, platform] of platforms.entries()) {
    const { answered } = watch(chats, platform)
    const old = await button(platform)
    // The bot is slow: people still see the button while what it was offered against changes.
    process.kill(bot ?? 0, 'SIGSTOP')
    await stand.must(at % 2 === 0 ? 'freeze' : 'unfreeze')
    const count = rollbacks(chats).length
    platform.press(chats.chatOf(platform), old.reference, old.id)
    process.kill(bot ?? 0, 'SIGCONT')
    const was = at % 2 === 0 ? 'frozen was false and is true' : 'frozen was true and is false'
    await answered(new RegExp(`not as it was shown any more: ${was}`), () => {})
    assert.deepEqual([rollbacks(chats).length, stand.of('rollback.started').length], [count + 1, 0], platform.name)
    const now = await stand.wait('the card has another button', () => {
      const found = chats.shown(platform).find(({ reference }) => reference === old.reference)
      return found?.labels?.includes('Roll back to r1') && !found.buttons.includes(old.id) ? found : null
    })
    assert.equal(now.buttons.length, 1)
  }
  assert.equal(folder.current(), 'r2')
  chats.withinLimits()
  await stand.verified()
})

test('a button that is tapped twice, which is two presses for the platform, is one command', async t => {
  const { chats, platforms, folder } = await makeSite(t)
  const { stand } = chats
  const button = targetButtons(chats)
  for (const platform of platforms) {
    await stand.must('deploy', 'app', 'r2')
    const { answered } = watch(chats, platform)
    const found = await button(platform)
    const count = rollbacks(chats).length
    await answered(/that button was used already, for c\d+/i, () => {
      for (let tap = 0; tap < 2; tap += 1) platform.press(chats.chatOf(platform), found.reference, found.id)
    })
    const { id } = rollbacks(chats).at(-1)?.data ?? {}
    await stand.wait('it is done', () => stand.of('command.succeeded').some(({ data }) => data.id === id))
    assert.deepEqual([rollbacks(chats).length, folder.current()], [count + 1, 'r1'], platform.name)
  }
  assert.equal(stand.of('rollback.started').length, platforms.length)
  chats.withinLimits()
  await stand.verified()
})

test('approvals: not by whoever asked, from whatever account; not with a code that was used, wrong, or locked; not too late', async t => {
  const { chats, folder } = await makeSite(t, {
    policy: { rollback: { approvals: 1, code: true }, restart: { approvals: 1, code: false, expire: '10s' } },
  })
  const { stand, telegram, discord, slack } = chats
  const { answered, denied } = watch(chats, discord)
  const done = () => stand.of('command.succeeded').at(-1)?.data.id
  const newest = () => String(stand.of('command.requested').at(-1)?.data.id)
  const ask = async (line: string) => {
    const count = stand.of('command.awaiting').length
    telegram.say(chats.chatOf(telegram), line)
    await stand.wait(`${line} waits`, () => stand.of('command.awaiting').length > count)
    return newest()
  }
  const fillIn = async (id: string, code: string) => {
    const count = discord.forms().length
    await stand.wait('its card', () =>
      chats.texts(discord).some(text => text.includes(`(${id})`) && /Waiting/.test(text)),
    )
    await press(chats, discord, /^Approve$/)
    await stand.wait('the form', () => discord.forms().length > count)
    discord.fillIn(code)
  }
  await stand.must('deploy', 'app', 'r2')

  const first = await ask('/rollback app')
  await press(chats, telegram, /^Approve$/)
  await denied(/alice asked for c\d+, so others have to approve it/)
  // The same human, by another account.
  slack.say(chats.chatOf(slack), `/approve ${first}`)
  await denied(/alice asked for c\d+, so others have to approve it/)
  const code = codeNow()
  await fillIn(first, code)
  await stand.wait('it is done', () => done() === first)
  assert.equal(folder.current(), 'r1')

  await stand.must('deploy', 'app', 'r2')
  const second = await ask('/rollback app')
  await answered(/that is not a code of bob's that may be used now; 4 more/i, () => fillIn(second, code))
  for (const left of ['3 more', '2 more', '1 more', 'they are locked now'])
    await answered(new RegExp(`that is not a code of bob's that may be used now; ${left}`, 'i'), () =>
      fillIn(second, '000000'),
    )
  // Refusals are not shown without end, but each is an entry.
  await fillIn(second, codeNow(1))
  await denied(/the codes of bob are locked after 5 wrong ones/)
  assert.equal(folder.current(), 'r2')
  await stand.must('unlock', 'bob')
  await fillIn(second, codeNow(1))
  await stand.wait('it is done', () => done() === second)
  assert.equal(folder.current(), 'r1')

  const pid = await stand.onlyProcess('web')
  const late = await ask('/restart web')
  await stand.wait('it is given up', () => stand.of('command.expired').some(({ data }) => data.id === late))
  await answered(/c\d+ does not wait any more: expired/i, () => discord.say(chats.chatOf(discord), `/approve ${late}`))
  await chats.everywhere('that it is given up', texts => texts.some(text => /Given up: restart web/.test(text)))
  assert.equal(await stand.onlyProcess('web'), pid)
  const everything = JSON.stringify(stand.entries()) + stand.said()
  assert.doesNotMatch(everything, new RegExp(`\\b${code}\\b`), 'the code is recorded nowhere')
  chats.withinLimits()
  await stand.verified()
})

type Chats = Awaited<ReturnType<typeof makeChats>>

/** Alice is linked on all platforms, Bob on Discord alone, with codes; their other person is nobody's. */
async function makeSite(t: TestContext, more: object = {}) {
  const chats = await makeChats(t)
  const { stand, telegram, discord, slack } = chats
  const secret = `${stand.root}/totp-bob`
  writeSecret(secret)
  const operators = {
    alice: { role: 'admin', telegram: [Number(telegram.people[0])], slack: [slack.people[0]] },
    bob: { role: 'operator', discord: [discord.people[0]], totp: { file: secret } },
  }
  const policy = { rollback: { code: false }, unfreeze: { code: false } }
  const { folder } = await makeOrderedSite(chats, { r1: 'well', r2: 'well' }, { operators, policy, ...more })
  return { chats, folder, platforms: chats.all }
}

function rollbacks({ stand }: Chats) {
  return stand.of('command.requested').filter(({ data }) => data.verb === 'rollback')
}

/** Waits for the button of the target's own card that stands for how it is now; gives each once. */
function targetButtons(chats: Chats) {
  const { stand } = chats
  const given = new Set<string>()
  return (platform: Speaking): Promise<{ reference: string; id: string }> =>
    stand.wait(
      `a button on ${platform.name}`,
      () => {
        const offered = stand.of('command.offered').findLast(({ data }) => data.about === 'target:app')
        const [offer] = (offered?.data.offers ?? []) as { button: string }[]
        const id = offer?.button ?? ''
        const card = chats
          .shown(platform)
          .find(({ buttons, text }) => buttons.includes(id) && !/rollback app/.test(text))
        if (card === undefined || given.has(id)) return null
        given.add(id)
        return { reference: card.reference, id }
      },
      30_000,
    )
}

/** A chat of the configuration, and one where the bot is too. */
function placesOf({ chatOf }: Chats, platform: Speaking): [here: string, elsewhere: string] {
  const here = chatOf(platform)
  return [here, platform.chats.find(chat => chat !== here) ?? assert.fail()]
}

function watch({ stand }: Chats, platform: Speaking) {
  let seen = stand.of('command.denied').length
  return {
    /** Waits for such an answer to what is said now, and gives it. */
    async answered(says: RegExp, say: () => void | Promise<void>, what = String(says)): Promise<string> {
      const before = platform.answers().filter(({ text }) => says.test(text)).length
      await say()
      const found = () => platform.answers().filter(({ text }) => says.test(text))
      await stand
        .wait(`${platform.name} answers ${what}`, () => found().length > before)
        .catch(error => {
          const texts = platform.answers().map(({ text }) => text.slice(0, 300))
          throw new Error(
            `${error instanceof Error ? error.message : error}\nanswers:\n${texts.slice(-6).join('\n--\n')}`,
          )
        })
      return found().at(-1)?.text ?? ''
    },
    /** Waits for the entry of a denied try, one for each call. */
    async denied(why: RegExp): Promise<void> {
      const isSo = () =>
        stand
          .of('command.denied')
          .slice(seen)
          .some(({ data }) => why.test(String(data.why)))
      await stand.wait(`a denied try: ${why}`, isSo)
      seen = stand.of('command.denied').length
    },
  }
}
