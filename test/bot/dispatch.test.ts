import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplyHow, Word } from '../../bot/channel.ts'
import { createDispatch } from '../../bot/dispatch.ts'
import type { Message } from '../../bot/message.ts'
import type { Ask, CommandView, Reply } from '../../core/command/port.ts'
import { Fault } from '../../core/fault.ts'
import { fakeChat } from '../fakes/chat.ts'
import { fakeClock } from '../fakes/clock.ts'

type Answering = (ask: Ask, timeoutMs: number) => Promise<Reply>

const AWAY = new Fault('daemon.unreachable', 'heald is not there')
const LIST: Reply = { reply: 'answer', word: 'silences', args: {}, data: [] }
const COMMAND: CommandView = {
  ...{ id: 'c7', verb: 'freeze', args: {}, line: 'freeze', by: 'telegram:1', operator: 'alice', state: 'started' },
  ...{ needs: { approvals: 0, code: false }, approvals: [], approvers: [], offers: [], seen: null, changedTo: null },
  ...{ why: null, result: null, receipt: '#9·x', atTs: '', expiresTs: '' },
} as unknown as CommandView

/** A dispatch, core as `answering` has it, and one chat. */
function makeStand(answering: Answering) {
  const clock = fakeClock()
  const asked: { ask: Ask; timeoutMs: number }[] = []
  const [warnings, given, stale, turns]: string[][] = [[], [], [], []]
  const dispatch = createDispatch({
    link: {
      request(ask, timeoutMs) {
        asked.push({ ask, timeoutMs: timeoutMs ?? 0 })
        return answering(ask, timeoutMs ?? 0)
      },
    },
    clock,
    place: { host: 'web-1', tz: 'UTC' },
    channel: () => fakeChat('telegram', { tellTwins: false }).channel,
    hasLogs: () => false,
    turn: async (channel, chat) => void turns?.push(`${channel} ${chat}`),
    onCommand: (id, channel, chat) => void given?.push(`${id} ${channel} ${chat}`),
    onStale: button => void stale?.push(button),
    warn: text => void warnings?.push(text),
  })
  const shown: { message: Message; how: ReplyHow | undefined }[] = []
  let [hidden, busy, count] = [0, 0, 0]
  /** What the next replies meet: after how many ms each may be tried again. */
  const later: number[] = []
  const word = (more: Partial<Word> = {}): Word => {
    count += 1
    return {
      ...{ platform: 'telegram', user: '1', name: 'Alice', chat: '-100', key: `telegram:9:-100:${count}` },
      ...{ saidMs: null, button: null, text: '', options: null, code: null, isPaced: true, askCode: null },
      showBusy() {
        busy += 1
      },
      async reply(message, how) {
        const againMs = later.shift()
        if (againMs !== undefined) return againMs
        shown.push({ message, how })
        return null
      },
      async hide() {
        hidden += 1
        return true
      },
      ...more,
    }
  }
  const texts = () => shown.map(({ message }) => JSON.stringify(message))
  return {
    ...{ dispatch, clock, asked, warnings, given, stale, turns, shown, later, word, texts },
    busy: () => busy,
    hidden: () => hidden,
    /** Says it; whether it was let go by then. */
    async say(more: Partial<Word>) {
      let isLetGo = false
      void dispatch.hear(word(more)).then(() => {
        isLetGo = true
      })
      await clock.advance(0)
      return () => isLetGo
    },
  }
}

const never = () => new Promise<Reply>(() => {})

test('what only reads is let go at once; an order, and what is not understood, when core has it', async () => {
  const stand = makeStand(never)
  for (const text of ['/status', '/rollback web --dry-run', '/help']) assert.ok((await stand.say({ text }))(), text)
  const held = [{ text: '/freeze' }, { text: '/frezee' }, { button: 'bOfCore' }, { button: 'w:1:approve c7' }]
  const letGo = await Promise.all(held.map(each => stand.say(each)))
  assert.deepEqual(
    letGo.map(each => each()),
    [false, false, false, false],
  )
  assert.equal((await stand.say({ button: 'w:1:incidents' }))(), true)
  assert.deepEqual(stand.asked.at(-1)?.ask.said, { text: 'incidents' })
})

test('an order: its card is told where it was given, and it is let go', async () => {
  const stand = makeStand(async () => ({ reply: 'command', command: COMMAND, isAgain: true }))
  assert.ok((await stand.say({ text: '/freeze' }))())
  assert.deepEqual(stand.given, ['c7 telegram -100'])
  assert.deepEqual(stand.turns, ['telegram -100'])
  assert.match(stand.texts()[0] ?? '', /That was said before/)
})

test('core that is away is asked again for some seconds, by the same key; then it is said that this was not taken', async () => {
  let away = 3
  const back = makeStand(async () => {
    away -= 1
    if (away >= 0) throw away === 1 ? new Fault('command.not-yet', 'the past is read') : AWAY
    return LIST
  })
  await back.say({ text: '/silences' })
  await back.clock.advance(2000)
  assert.equal(back.asked.length, 4)
  assert.equal(new Set(back.asked.map(({ ask }) => ask.key)).size, 1)
  assert.equal(back.shown.length, 1)
  const gone = makeStand(() => Promise.reject(AWAY))
  const letGo = await gone.say({ text: '/freeze' })
  assert.equal(letGo(), false)
  await gone.clock.advance(9000)
  assert.ok(letGo())
  assert.match(gone.texts()[0] ?? '', /heald on web-1 can’t be reached now: this was not taken/)
  assert.equal(gone.warnings?.length, 1, 'the same trouble is told once')
})

test('an answer that does not come is not taken for a no: nobody knows whether it was taken', async () => {
  const stand = makeStand(() => Promise.reject(new Fault('daemon.timeout', 'no answer')))
  await stand.say({ text: '/freeze' })
  await stand.clock.advance(9000)
  assert.match(stand.texts()[0] ?? '', /Commands shows what was given.*it may have taken this, or not/)
})

test('each kind of word is waited for as long as it may take', async () => {
  const stand = makeStand(async () => LIST)
  for (const text of ['/freeze', '/silences', '/verify']) await stand.say({ text })
  assert.deepEqual(
    stand.asked.map(({ ask, timeoutMs }) => [ask.waitMs, timeoutMs]),
    [
      [400, 30_000],
      [0, 60_000],
      [0, 620_000],
    ],
  )
})

test('what takes longer than a moment is shown to be under way until it is answered, and no longer', async () => {
  let answer: (reply: Reply) => void = () => {}
  const stand = makeStand(
    () =>
      new Promise(resolve => {
        answer = resolve
      }),
  )
  await stand.say({ text: '/verify' })
  await stand.clock.advance(400)
  assert.equal(stand.busy(), 0)
  await stand.clock.advance(200)
  assert.equal(stand.busy(), 1, 'so that it is seen within a second, however far away the platform is')
  await stand.clock.advance(10_000)
  assert.equal(stand.busy(), 3)
  answer(LIST)
  await stand.clock.advance(60_000)
  assert.deepEqual([stand.busy(), stand.shown.length, stand.clock.pending()], [3, 1, 0])
  await stand.say({ text: '/status', showBusy: null })
  await stand.clock.advance(5000)
  assert.equal(stand.busy(), 3)
})

test('who may not is told so five times, and then now and then; others are told all the same', async () => {
  const stand = makeStand(() => Promise.reject(new Fault('command.denied', 'nobody here is known by that account')))
  for (let n = 0; n < 20; n += 1) await stand.say({ text: '/restart web', user: '666' })
  assert.equal(stand.shown.length, 5)
  await stand.say({ text: '/restart web', user: '667' })
  assert.equal(stand.shown.length, 6)
  await stand.clock.advance(31_000)
  await stand.say({ text: '/restart web', user: '666' })
  assert.equal(stand.shown.length, 7)
  assert.equal(stand.asked.length, 22, 'core hears of each')
})

test('a button that core does not take any more is told to whom draws the cards', async () => {
  const stand = makeStand(() => Promise.reject(new Fault('command.stale', 'that button was used already, for c3')))
  await stand.say({ button: 'bUsed' })
  await stand.say({ text: '/freeze' })
  assert.deepEqual(stand.stale, ['bUsed'])
  assert.match(stand.texts()[0] ?? '', /That button was used already, for c3/)
})

test('a code that others can see is taken away, also one in a line that is not understood', async () => {
  const stand = makeStand(async () => LIST)
  for (const text of ['/approve c7 123456', '/aprove c7 123456', '/approve c7', '/silences']) await stand.say({ text })
  assert.equal(stand.hidden(), 2)
  await stand.say({ button: 'w:1:approve c7', code: '123456' })
  await stand.say({ options: { word: 'approve', args: { id: 'c7', code: '123456' } } })
  assert.equal(stand.hidden(), 2, 'nobody saw these')
})

test('a missing code is asked for in a form where there is one, else in words', async () => {
  const stand = makeStand(async () => ({ reply: 'code', word: 'approve', args: { id: 'c7' }, command: null }))
  const forms: string[] = []
  const askCode = (isShown: boolean) => async (form: { button: string; title: string }) => {
    forms.push(`${form.title} ${form.button}`)
    return isShown
  }
  await stand.say({ text: '/approve c7', askCode: askCode(true) })
  assert.deepEqual([forms, stand.shown.length], [['Approve c7 w:1:approve c7'], 0])
  await stand.say({ text: '/approve c7', askCode: askCode(false) })
  await stand.say({ text: '/approve c7' })
  assert.deepEqual([forms.length, stand.shown.length], [2, 2])
  assert.match(stand.texts()[1] ?? '', /c7 needs a one-time code of yours/)
})

test('what can not be drawn is said, and warned of', async () => {
  const stand = makeStand(async () => ({ reply: 'answer', word: 'silences', args: {}, data: null }))
  await stand.say({ text: '/silences' })
  assert.match(stand.texts()[0] ?? '', /What heald answered can’t be shown/)
  assert.match(stand.warnings?.join() ?? '', /could not be drawn/)
})

test('an answer that has to wait is tried three times in all, each at its turn', async () => {
  const stand = makeStand(async () => LIST)
  stand.later.push(2000, 3000)
  await stand.say({ text: '/silences' })
  await stand.clock.advance(6000)
  assert.deepEqual([stand.shown.length, stand.turns?.length, stand.warnings], [1, 3, []])
  stand.later.push(1, 1, 1)
  await stand.say({ text: '/silences' })
  await stand.clock.advance(1000)
  assert.equal(stand.shown.length, 1)
  assert.match(stand.warnings?.join() ?? '', /an answer to Alice could not be shown/)
  await stand.say({ text: '/silences', isPaced: false })
  assert.deepEqual([stand.shown.length, stand.turns?.length], [2, 6], 'its own way to answer has no turns')
})

test('too much at once is refused without asking core, and a page takes the place of the one before', async () => {
  const stand = makeStand(never)
  for (let n = 0; n < 40; n += 1) await stand.say({ text: '/status' })
  await stand.say({ text: '/status' })
  assert.equal(stand.asked.length, 40)
  assert.match(stand.texts()[0] ?? '', /too much was said at once/i)
  const other = makeStand(async () => LIST)
  await other.say({ button: 'p:2:silences' })
  await other.say({ button: 'w:1:silences' })
  assert.deepEqual(
    other.shown.map(({ how }) => how?.isInPlace),
    [true, false],
  )
})

test('a platform that nobody knows is not heard, what comes after the end is not taken; the end does not wait for ever', async () => {
  const stand = makeStand(never)
  await stand.say({ text: '/status', platform: 'whatsapp' })
  assert.equal(stand.asked.length, 0)
  await stand.say({ text: '/status' })
  let isClosed = false
  void stand.dispatch.close(3000).then(() => {
    isClosed = true
  })
  await stand.clock.advance(2900)
  assert.equal(isClosed, false)
  await stand.clock.advance(200)
  assert.ok(isClosed)
  await assert.rejects(stand.dispatch.hear(stand.word({ text: '/status' })), { code: 'bot.closed' })
  assert.equal(stand.asked.length, 1)
})

test('a word whose answer fails in an unknown way is warned of, and let go', async () => {
  const stand = makeStand(() => Promise.reject(new TypeError('a bug')))
  assert.ok((await stand.say({ text: '/freeze' }))())
  assert.match(stand.warnings?.join() ?? '', /a word could not be answered/)
})
