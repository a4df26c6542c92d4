import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Channel, DEADLINE_MS, type Verdict, type Word } from '../../bot/channel.ts'
import { until } from '../until.ts'
import { fullMessage, plainMessage } from './messages.ts'
import type { Platform } from './platform.ts'

/** What every channel promises, for each adapter in front of its platform's fake. */
export function channelConformance(name: string, start: () => Promise<Platform>): void {
  describe(`the channel port: ${name}`, () => {
    let platform: Platform
    let channel: Channel
    let chat: string
    const words: Word[] = []
    const states: { isUp: boolean; isFinal: boolean; why: string }[] = []
    let count = 0
    const how = (more: object = {}) => {
      count += 1
      return { key: `k${count}`, isAgain: false, isSilent: false, replyTo: null, ...more }
    }
    const isUp = () => states.at(-1)?.isUp === true

    beforeEach(async () => {
      words.length = 0
      states.length = 0
      platform = await start()
      chat = platform.chats[0]
      channel = await platform.open({
        onWord: word => void words.push(word),
        onState: state => void states.push(state),
      })
      await until('it is up', isUp)
    })
    afterEach(async () => {
      const breaches = platform.breaches()
      await channel.close()
      await platform.close()
      assert.deepEqual(breaches, [], 'over a limit of the platform')
    })
    const post = async (text: string, more: object = {}) => channel.post(chat, plainMessage(text), how(more))
    const referenceOf = (verdict: Verdict): string => {
      assert.equal(verdict.verdict, 'done', JSON.stringify(verdict))
      return verdict.verdict === 'done' ? verdict.reference : ''
    }
    const texts = (of = chat) => platform.shown(of).map(({ text }) => text)

    test('a post is shown as it is, whatever its text holds', async () => {
      const message = fullMessage()
      assert.equal(channel.fits(message), true)
      const reference = referenceOf(await channel.post(chat, message, how()))
      const [shown, ...more] = platform.shown(chat)
      assert.deepEqual([more.length, shown?.reference], [0, reference])
      for (const part of [
        ...['🔴', 'agent <b>&amp; "co"</b> crash-loops on web-1', '*out* _of_ `memory` ~now~ ||x|| [a](http://b)'],
        ...['<script>alert(1)</script>', 'Service', 'agent', 'Since', 'Who & <where>'],
        ...['@everyone @here <!channel> <@U01> <#C01>', '+0 ms', 'agent was killed by SIGKILL', '12 more'],
        ...['ended with code 1 😀 مرحبا', 'Last lines', 'and', 'line 2', '&lt;', '#1042·ABCDEFGHIJKLMNOPQRSTUVWXYZ'],
      ]) {
        assert.ok(shown?.text.includes(part), `${JSON.stringify(part)} in ${JSON.stringify(shown?.text)}`)
      }
      if (platform.can.buttons) assert.deepEqual(shown?.buttons, ['b1:ack', 'b1:rollback'])
    })

    test('an edit changes the message in its place; the same again changes nothing', async () => {
      if (!platform.can.edit) return
      const reference = referenceOf(await post('one'))
      await post('two')
      for (let n = 0; n < 2; n += 1)
        assert.equal(referenceOf(await channel.edit(chat, reference, plainMessage('one, later'))), reference)
      assert.deepEqual(
        texts().map(text => /one, later|two/.exec(text)?.[0]),
        ['one, later', 'two'],
      )
      const full = fullMessage()
      referenceOf(await channel.edit(chat, reference, full))
      if (platform.can.buttons) {
        assert.deepEqual(platform.shown(chat)[0]?.buttons, ['b1:ack', 'b1:rollback'])
        referenceOf(await channel.edit(chat, reference, { ...full, buttons: [] }))
        assert.deepEqual(platform.shown(chat)[0]?.buttons, [], 'buttons go when they are not wanted any more')
      }
    })

    test('an edit of a message that somebody removed says that it is gone', async () => {
      if (!platform.can.edit || platform.can.never?.includes('remove')) return
      const reference = referenceOf(await post('one'))
      platform.remove(chat, reference)
      assert.equal((await channel.edit(chat, reference, plainMessage('two'))).verdict, 'gone')
      assert.deepEqual(texts(), [])
    })

    test('silent, and as an answer; what is answered may be gone', async () => {
      const first = referenceOf(await post('one', { isSilent: true }))
      referenceOf(await post('two', { replyTo: first }))
      platform.remove(chat, first)
      referenceOf(await post('three', { replyTo: first }))
      const [two, three] = platform.shown(chat)
      assert.match(two?.text ?? '', /two/)
      assert.match(three?.text ?? '', /three/)
      assert.equal(two?.replyTo, first)
      if (platform.can.silence) {
        referenceOf(await post('four', { isSilent: true }))
        assert.deepEqual(
          platform.shown(chat).map(({ isSilent }) => isSilent),
          [false, false, true],
        )
      }
    })

    test('chats are apart', async () => {
      const [one, other] = platform.chats
      referenceOf(await channel.post(one, plainMessage('first'), how()))
      referenceOf(await channel.post(other, plainMessage('second'), how()))
      assert.match(texts(one).join(), /first/)
      assert.match(texts(other).join(), /second/)
      assert.deepEqual([texts(one).length, texts(other).length], [1, 1])
    })

    test('told to slow down: not done, tried once only, and how long the platform wants to be left alone', async () => {
      if (platform.can.never?.includes('slow down')) return
      platform.next('slow down', 7000)
      const before = platform.requests()
      const verdict = await post('one')
      assert.equal(verdict.verdict, 'retry', JSON.stringify(verdict))
      if (verdict.verdict !== 'retry') return
      assert.equal(verdict.isOpen, false)
      assert.ok(verdict.afterMs !== null && verdict.afterMs >= 7000 && verdict.afterMs < 9000, String(verdict.afterMs))
      assert.equal(platform.requests() - before, 1, 'the SDK does not try again by itself')
      assert.deepEqual(texts(), [])
    })

    for (const trouble of ['error 500', 'cut', 'hang', 'answer lost'] as const) {
      test(`${trouble}: one try, a verdict in time, and it is said that the message may be there`, async () => {
        platform.next(trouble)
        const before = platform.requests()
        const startedMs = performance.now()
        const given = how()
        const verdict = await channel.post(chat, plainMessage('one'), given)
        assert.ok(performance.now() - startedMs < DEADLINE_MS + 2000)
        assert.equal(verdict.verdict, 'retry', JSON.stringify(verdict))
        if (verdict.verdict !== 'retry') return
        // A 500 may come after the deed, so it is open too, or not: only what was done must never be called undone.
        if (trouble === 'answer lost') assert.equal(verdict.isOpen, true)
        assert.equal(platform.requests() - before, 1)
        referenceOf(await channel.post(chat, plainMessage('one'), { ...given, isAgain: true }))
        const twins = trouble === 'answer lost' && !platform.can.tellTwins ? 2 : 1
        assert.equal(texts().length, twins)
      })
    }

    test('a chat that it is not in any more refuses, and others go on', async () => {
      if (platform.can.never?.includes('leave')) return
      platform.leave(chat)
      const verdict = await post('one')
      assert.equal(verdict.verdict, 'refused', JSON.stringify(verdict))
      if (verdict.verdict === 'refused') assert.equal(verdict.of, 'chat')
      referenceOf(await channel.post(platform.chats[1], plainMessage('two'), how()))
    })

    test('a revoked token is told, once it is good again the channel comes back by itself', async () => {
      platform.revoke()
      const verdict = await post('one')
      assert.equal(verdict.verdict, 'refused', JSON.stringify(verdict))
      if (verdict.verdict === 'refused') assert.equal(verdict.of, 'channel')
      platform.admit()
      let last: Verdict | undefined
      await until(
        'it posts again',
        async () => {
          last = await post('two')
          return last.verdict === 'done'
        },
        20_000,
      )
      await until('it is up again', isUp)
    })

    test('a cut connection is made anew', async () => {
      platform.cut()
      await until('it posts', async () => (await post('one')).verdict === 'done')
      await until('it is up', isUp)
      if (!platform.can.words) return
      platform.say(chat, '/status agent')
      await until('the word came', () => words.length > 0)
    })

    test('what people write comes in once per key, with who and where', async () => {
      if (!platform.can.words) return
      platform.say(chat, '/status agent', 2)
      await until('the word came', () => words.length > 0)
      await new Promise(resolve => setTimeout(resolve, 500))
      const [word] = words
      assert.ok(word !== undefined)
      assert.equal(new Set(words.map(({ key }) => key)).size, 1, 'a second delivery has the same key')
      assert.match(word.text, /^\/?status agent$/)
      assert.deepEqual([word.chat, word.button], [chat, null])
      assert.ok(word.user.length > 0 && word.name.length > 0 && word.key.startsWith(`${word.platform}:`))
      await word.reply(plainMessage('all is well'))
    })

    test('a pressed button comes in with its id', async () => {
      if (!platform.can.buttons) return
      const reference = referenceOf(await channel.post(chat, fullMessage(), how()))
      platform.press(chat, reference, 'b1:ack')
      await until('the word came', () => words.length > 0)
      assert.deepEqual([words[0]?.button, words[0]?.chat], ['b1:ack', chat])
    })

    test('after close: no answer but "not now", and it may be closed again', async () => {
      await channel.close()
      await channel.close()
      const verdict = await post('one')
      assert.equal(verdict.verdict, 'retry', JSON.stringify(verdict))
      assert.deepEqual(texts(), [])
    })
  })
}
