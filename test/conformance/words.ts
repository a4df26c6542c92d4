import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Channel, Guess, Word } from '../../bot/channel.ts'
import { WORDS } from '../../core/command/words.ts'
import { until } from '../until.ts'
import { fullMessage, plainMessage } from './messages.ts'
import type { Speaking } from './speaking.ts'

const passMs = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const PAGES = { ...plainMessage('page 1'), buttons: [[{ id: 'p:2:ledger', label: 'Older', style: 'plain' as const }]] }
const ASKING = {
  ...plainMessage('c17 waits'),
  buttons: [
    [
      { id: 'bApprove', label: 'Approve', style: 'primary' as const, asksCode: true },
      { id: 'bDeny', label: 'Deny', style: 'danger' as const },
    ],
  ],
}

/** What every platform that takes words promises, for each adapter in front of its platform's fake. */
export function wordConformance(name: string, start: () => Promise<Speaking>): void {
  describe(`the port of words: ${name}`, () => {
    let platform: Speaking
    let channel: Channel
    let chat: string
    const words: Word[] = []
    const guesses: Guess[] = []
    /** How each word is handled. */
    let handle: (word: Word) => void | Promise<void> = () => {}
    let count = 0

    const open = async () => {
      let isUp = false
      channel = await platform.open({
        onWord(word) {
          words.push(word)
          return handle(word)
        },
        onState(state) {
          isUp = state.isUp
        },
        async onGuess(guess) {
          guesses.push(guess)
          return ['web', 'web-2', 'x'.repeat(100)]
        },
      })
      await until('it is up', () => isUp)
    }
    const next = async (): Promise<Word> => {
      const at = words.length
      await until('a word came', () => words.length > at)
      return words[at] ?? assert.fail()
    }
    const said = async (text: string, by: 0 | 1 = 0): Promise<Word> => {
      const coming = next()
      platform.say(chat, text, 1, by)
      return coming
    }
    const post = async (message = ASKING): Promise<string> => {
      count += 1
      const how = { key: `k${count}`, isAgain: false, isSilent: false, replyTo: null }
      const verdict = await channel.post(chat, message, how)
      return verdict.verdict === 'done' ? verdict.reference : assert.fail(JSON.stringify(verdict))
    }

    beforeEach(async () => {
      words.length = 0
      guesses.length = 0
      handle = () => {}
      platform = await start()
      chat = platform.chats[0]
      await open()
    })
    afterEach(async () => {
      await channel.close()
      assert.deepEqual(platform.breaches(), [])
      await platform.close()
    })

    test('who, where and what, by a key that names no other word', async () => {
      const first = await said('/rollback web release-4 --dry-run')
      const second = await said('/rollback web release-4 --dry-run', 1)
      assert.deepEqual([first.user, second.user], [...platform.people])
      for (const { chat: where, button, code, key, options, text } of [first, second]) {
        assert.deepEqual([where, button, code], [chat, null, null])
        assert.match(key, new RegExp(`^${first.platform}:[\\x21-\\x7e]{3,190}$`))
        if (options === null) assert.match(text, /^\/?rollback web release-4 --dry-run$/)
        else {
          assert.equal(options.word, 'rollback')
          assert.deepEqual(options.args, { target: 'web', to: 'release-4', 'dry-run': true })
        }
      }
      assert.notEqual(first.key, second.key)
    })

    test('an answer is shown as it is, whatever its text holds, and more of them after it', async () => {
      const word = await said('/status')
      assert.equal(await word.reply(fullMessage()), null)
      assert.equal(await word.reply(plainMessage('and more')), null)
      const [first, second, ...rest] = platform.answers()
      assert.deepEqual([rest.length, first?.file], [0, null])
      for (const part of ['agent <b>&amp; "co"</b> crash-loops', '*out* _of_ `memory`', '@everyone @here <!channel>'])
        assert.ok(first?.text.includes(part), `${JSON.stringify(part)} in ${JSON.stringify(first?.text)}`)
      assert.deepEqual(first?.buttons, ['b1:ack', 'b1:rollback'])
      assert.match(second?.text ?? '', /and more/)
      for (const answer of [first, second]) assert.equal(answer?.isPrivate, platform.does.privately)
    })

    test('a file is shown as a file, with what is in it', async () => {
      const word = await said('/report agent-41')
      const text = `<h1>${'Ä'.repeat(20_000)}</h1>\n`
      assert.equal(await word.reply(plainMessage('the report'), { file: { name: 'agent-41.html', text } }), null)
      await until('the file is there', () => platform.answers().some(({ file }) => file !== null))
      const [file] = platform.answers().flatMap(answer => answer.file ?? [])
      assert.deepEqual([file?.name, file?.text === text], ['agent-41.html', true])
      assert.ok(platform.answers().some(answer => answer.text.includes('the report')))
    })

    test('a page takes the place of the page before it, and no other answer does', async () => {
      const word = await said('/ledger')
      await word.reply(PAGES)
      const coming = next()
      platform.pressAnswer(0, 'p:2:ledger', 1)
      const press = await coming
      assert.deepEqual([press.button, press.user, press.chat], ['p:2:ledger', platform.people[1], chat])
      assert.equal(await press.reply(plainMessage('page 2'), { isInPlace: true }), null)
      const texts = () => platform.answers().map(({ text }) => /page \d|details/.exec(text)?.[0])
      assert.deepEqual(texts(), ['page 2'])
      const other = await said('/ledger')
      await other.reply(PAGES)
      const again = next()
      platform.pressAnswer(1, 'p:2:ledger')
      await (await again).reply(plainMessage('details'))
      assert.deepEqual(texts(), ['page 2', 'page 1', 'details'])
    })

    test('a button of a card comes in with its id; the card stays as it is', async () => {
      const reference = await post()
      const coming = next()
      platform.press(chat, reference, 'bDeny', 1)
      const word = await coming
      assert.deepEqual([word.button, word.user, word.code], ['bDeny', platform.people[1], null])
      await word.reply(plainMessage('turned down'))
      assert.match(platform.shown(chat).find(each => each.reference === reference)?.text ?? '', /c17 waits/)
      assert.ok(platform.answers().some(({ text }) => text.includes('turned down')))
    })

    test('a button that asks for a code: the form comes first, and the word with what was filled in', async () => {
      const reference = await post()
      const coming = next()
      platform.press(chat, reference, 'bApprove')
      if (platform.does.forms) {
        await until('a form is shown', () => platform.forms().length === 1)
        assert.match(platform.forms()[0] ?? '', /Approve/)
        assert.equal(words.length, 0)
        platform.fillIn('123456')
      }
      const word = await coming
      assert.deepEqual([word.button, word.code], ['bApprove', platform.does.forms ? '123456' : null])
      assert.equal(word.user, platform.people[0])
      assert.equal(word.chat, chat)
      assert.match(word.key, new RegExp(`^${word.platform}:`))
      assert.equal(await word.reply(plainMessage('approved')), null)
      await until('it is answered', () => platform.answers().some(({ text }) => text.includes('approved')))
    })

    test('asked for a code after all: by a form, or it is said that there is none', async () => {
      const word = await said('/approve c17')
      const isAsked = (await word.askCode?.({ button: 'w:1:approve c17', title: 'Approve c17' })) === true
      if (!isAsked) return
      const coming = next()
      platform.fillIn('654321')
      const filled = await coming
      assert.deepEqual([filled.button, filled.code, filled.chat], ['w:1:approve c17', '654321', chat])
      assert.notEqual(filled.key, word.key)
    })

    test('what takes long is acknowledged in time all the same, and answered when it is done', async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      handle = () => promise
      platform.setLatency(200)
      const word = await said('/status')
      if (platform.acknowledged().length > 0)
        await until('it is acknowledged', () => platform.acknowledged().every(ms => ms !== null))
      for (const ms of platform.acknowledged()) assert.ok(ms !== null && ms < 3000, `acknowledged after ${ms} ms`)
      resolve()
      assert.equal(await word.reply(plainMessage('at last')), null)
      assert.match(platform.answers()[0]?.text ?? '', /at last/)
    })

    test('what was not handled before the end of the process comes again, with the same key', async () => {
      if (!platform.does.again) return
      handle = () => new Promise(() => {})
      const word = await said('/rollback web')
      await passMs(300)
      assert.equal(platform.unconfirmed(), 1)
      await channel.close()
      handle = () => {}
      const coming = next()
      await open()
      assert.equal((await coming).key, word.key)
      await until('it is confirmed', () => platform.unconfirmed() === 0)
    })

    test('what is said when no more words are taken is not confirmed, and comes to the next process; answers still go out', async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      handle = () => promise
      const word = await said('/status')
      channel.deafen?.()
      const before = words.length
      platform.say(chat, '/rollback web')
      await passMs(300)
      assert.equal(await word.reply(plainMessage('still answered')), null)
      resolve()
      await passMs(300)
      assert.match(platform.answers()[0]?.text ?? '', /still answered/)
      await post()
      assert.equal(words.length, before)
      if (platform.does.again) assert.ok(platform.unconfirmed() >= 1)
      else assert.equal(platform.acknowledged().at(-1), null)
      await channel.close()
      handle = () => {}
      await open()
      if (!platform.does.again) return
      await until('it came', () => words.slice(before).some(({ text }) => /rollback web/.test(text)))
      await until('it is confirmed', () => platform.unconfirmed() === 0)
    })

    test('a handler that rejects, and one that throws, lose neither the next word nor the process', async () => {
      handle = () => Promise.reject(new Error('no room'))
      await said('/status')
      handle = () => {
        throw new Error('no room')
      }
      await said('/incidents')
      handle = () => {}
      await said('/status')
    })

    test('an answer that can’t be shown rejects nowhere', async () => {
      const word = await said('/status')
      platform.leave(chat)
      platform.revoke()
      platform.cut()
      word.showBusy?.()
      await word.reply(plainMessage('nobody sees it'))
      await word.hide()
    })

    test('the platform’s list of commands has every word that can be said in chats, and is written only when it is another', async () => {
      if (!platform.does.registers) return
      const wanted = WORDS.filter(spec => !('host' in spec)).map(({ word }) => word as string)
      await until('it is registered', () => platform.registered().length > 0)
      assert.deepEqual([...platform.registered()].sort(), [...wanted].sort())
      const before = platform.registrations()
      await channel.close()
      await open()
      await passMs(500)
      assert.equal(platform.registrations(), before)
    })

    test('half a command is completed with what fits, and nothing is done', async () => {
      if (!platform.does.guesses) return
      const offered = await platform.guess(chat, 'rollback', 'target', 'we')
      assert.deepEqual(offered.slice(0, 2), ['web', 'web-2'])
      assert.deepEqual(guesses, [{ chat, word: 'rollback', option: 'target', begin: 'we' }])
      assert.deepEqual([words.length, await platform.guess(platform.chats[1], 'rollback', 'target', '')], [0, offered])
    })

    test('a code that was typed where others see it is taken away, where the bot may', async () => {
      const word = await said('/approve c17 123456')
      const isHidden = await word.hide()
      assert.equal(isHidden, platform.does.hides)
      if (isHidden) assert.ok(!platform.written(chat).some(text => text.includes('123456')))
    })
  })
}
