import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { WORDS, type Word } from '../../core/command/words.ts'
import { receiptOf } from '../../core/ledger/receipt.ts'
import { answersIn } from '../fakes/discord/interactions.ts'
import { shownText } from '../fakes/discord/markdown.ts'
import type { Stored } from '../fakes/telegram/world.ts'
import { type Chats, makeChats } from './chats.ts'
import { codeNow, writeSecret } from './people.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, makeReleaseFolder } from './release-folder.ts'
import { TABLE, type Use } from './words-table.ts'

export type PlatformName = 'telegram' | 'discord' | 'slack'

/** What people see as the answer to what one of them has said, up to now. */
type Heard = () => readonly string[]

/** One of the two people says a line; null: the platform's own client lets nobody send that. */
export type Say = (line: string, by?: 0 | 1) => Heard | null

/** Telegram takes one message a second in a chat, so words are said in several of them. */
const PRIVATE_CHATS = Array.from({ length: 10 }, (_, at) => 5101 + at)

/**
 * A host whose people are on one platform: alice, an admin, and bob, an operator with one-time codes. Its service `web` is
 * of the target `app`, with the releases r1 and r2, which runs; `job` runs too, and `flap` has failed for good.
 */
export async function makeWordsSite(t: TestContext, name: PlatformName) {
  const chats = await makeChats(t)
  const { stand } = chats
  const platform = chats[name]
  for (const chat of PRIVATE_CHATS) chats.telegram.fake.world.addChat(chat, 'private', 'Alice')
  const folder = makeReleaseFolder(stand.root)
  for (const release of ['r1', 'r2']) folder.add(release, 'well')
  folder.point('r1')
  const base = configOf(folder, await freePort())
  const secret = join(stand.root, 'totp-bob')
  writeSecret(secret)
  const ids = platform.people.map(id => (name === 'telegram' ? Number(id) : id))
  const steady = { run: ['sleep', '100000'], stop: { timeout: '2s' } }
  chats.configure(
    {
      ...base,
      services: { ...base.services, job: steady, flap: { run: ['sh', '-c', 'echo no luck; sleep 0.1; exit 3'] } },
      operators: {
        alice: { role: 'admin', [name]: [ids[0]] },
        bob: { role: 'operator', [name]: [ids[1]], totp: { file: secret } },
      },
      policy: {
        rollback: { approvals: 1, code: true },
        ...{ deploy: { code: false }, stop: { code: false }, unfreeze: { code: false } },
      },
      oncall: ['bob'],
      notify: { logs: true },
      // Words are answered where they are said; cards would only take their turns.
      routes: [{ to: [] }],
    },
    { telegram: { chats: [Number(chats.telegram.chats[0]), ...PRIVATE_CHATS] } },
  )
  await chats.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  await stand.must('deploy', 'app', 'r2')
  const incident = await stand.wait('flap is in trouble', () => stand.of('crashloop.detected', 'flap')[0]?.inc)
  // Full receipts are given of what a checkpoint covers.
  await stand.must('ledger', 'checkpoint')
  const say = { telegram: telegramSay, discord: discordSay, slack: slackSay }[name](chats)

  const commandEntries = () => stand.entries().filter(({ kind }) => kind.startsWith('command.') && kind !== OFFERED)

  /** What stands for something of this site. Each one-time code is good once. */
  let codes = 0
  function filledIn(text: string): string {
    return text.replaceAll(/\{(\w+)\}/g, (_, what) => {
      if (what === 'incident') return incident
      if (what === 'command') return String(stand.of('command.requested').at(-1)?.data.id)
      if (what === 'silence') return String(stand.of('silence.created').at(-1)?.data.id)
      if (what === 'code') return codeNow(codes++)
      const [first] = stand.entries()
      return receiptOf(first?.seq ?? 0, first?.h ?? '')
    })
  }

  async function answered(line: string, heard: Heard, says: readonly RegExp[]): Promise<string> {
    const isSo = () => says.every(each => each.test(heard().join('\n')))
    await stand.wait(`an answer to ${line}`, () => heard().length > 0)
    // An answer may come in parts, and take another form when it is done.
    await stand
      .wait(`the answer to ${line}`, isSo)
      .catch(() => assert.fail(`${name}: ${line} should be answered ${says.join(' and ')}:\n${heard().join('\n')}`))
    return heard().join('\n')
  }

  /** What this platform's own client lets nobody send. */
  const unsendable: string[] = []

  /** Says what is wrong, and looks that the answer says so. */
  async function slip(line: string, says: readonly RegExp[]): Promise<void> {
    const heard = say(filledIn(line))
    if (heard === null) return void unsendable.push(line)
    const text = await answered(line, heard, says)
    assert.ok(text.trim().split('\n').length >= 2, `${name}: what is wrong, and what to do: ${text}`)
  }

  async function use({ line, by = 0, says, ends }: Use, isForHost: boolean): Promise<void> {
    const before = commandEntries().length
    const filled = filledIn(line)
    const heard = say(filled, by)
    if (isForHost && heard === null) return void unsendable.push(line)
    assert.ok(heard, `${name} lets nobody send ${filled}`)
    await answered(filled, heard, [new RegExp(filledIn(says.source), says.flags)])
    if (ends !== undefined) {
      const id = filledIn('{command}')
      const isSo = () => stand.of(`command.${ends}`).some(({ data }) => data.id === id)
      await stand.wait(`${filled} has ${ends}`, isSo)
    } else if (!isForHost) assert.equal(commandEntries().length, before, `${filled} only reads`)
  }

  /** `unsaid`: the lines that cannot be sent here, and no others. */
  async function everyWord(unsaid: readonly string[] = []): Promise<void> {
    const before = commandEntries().length
    const slips = WORDS.flatMap(({ word, examples: [example] }) => {
      const helped: [string, RegExp[]] = [
        `help ${word}`,
        [new RegExp(word), new RegExp(`for example[\\s\\S]*${example}`)],
      ]
      return [helped, ...Object.entries(TABLE[word as Word].wrong)]
    })
    const failed: string[] = []
    const note = (error: unknown) => void failed.push(error instanceof Error ? error.message : String(error))
    await atOnce(name === 'slack' ? 1 : PRIVATE_CHATS.length, slips, ([line, says]) => slip(line, says).catch(note))
    for (const { kind, data } of commandEntries().slice(before))
      failed.push(`a slip led to ${kind} ${JSON.stringify(data)}`)
    for (const spec of WORDS) for (const each of TABLE[spec.word].right) await use(each, 'host' in spec).catch(note)
    assert.deepEqual(failed, [], failed.join('\n\n'))
    assert.deepEqual(unsendable.toSorted(), [...unsaid].sort())
  }

  /** However it is written here, it is the same order: done, and recorded with the same arguments. */
  async function sameOrder(chat: string, lines: readonly string[]): Promise<void> {
    const from = stand.of('command.requested').length
    for (const [at, line] of lines.entries()) {
      platform.say(chat, line)
      await stand.wait(`${line} is done`, () => stand.of('command.requested').length === from + at + 1)
      const { id } = stand.of('command.requested').at(-1)?.data ?? {}
      await stand.wait(`${line} has its end`, () => stand.of('command.succeeded').some(({ data }) => data.id === id))
      await stand.wait(`${line} is answered`, () => platform.answers().some(({ text }) => text.includes(String(id))))
    }
    const asked = stand.of('command.requested').slice(from)
    const what = asked.map(({ actor, data: { verb, args, via, operator } }) => ({ actor, verb, args, via, operator }))
    const [user] = platform.people
    const same = { actor: `${name}:${user}`, verb: 'silence', args: SILENCE, via: name, operator: 'alice' }
    assert.deepEqual(
      what,
      lines.map(() => same),
    )
  }

  return { ...{ chats, stand, platform }, everyWord, sameOrder }
}

const OFFERED = 'command.offered'
/** What all lines of `sameOrder` have to mean. */
const SILENCE = { service: 'job', for: '30m', why: 'new disk' }

/** Some at once, in order. */
async function atOnce<T>(count: number, all: readonly T[], act: (each: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const next = async (): Promise<void> => {
    for (let each = left.shift(); each !== undefined; each = left.shift()) await act(each)
  }
  await Promise.all(Array.from({ length: count }, next))
}

function telegramSay({ telegram }: Chats): Say {
  const { world } = telegram.fake
  const people = telegram.people.map(Number)
  let said = 0
  return (line, by = 0) => {
    const chat = PRIVATE_CHATS[said++ % PRIVATE_CHATS.length] ?? 0
    const id = world.write(chat, `/${line}`, { by: { id: people[by] ?? 0, first_name: 'somebody' } })
    const messages: ReadonlyMap<number, Stored> = world.chats.get(chat)?.messages ?? new Map()
    const isAnswer = ({ answerTo }: Stored) => answerTo === id
    return () => [...messages.values()].filter(isAnswer).map(({ text, document }) => `${text}\n${document?.name ?? ''}`)
  }
}

function discordSay({ discord, chatOf }: Chats): Say {
  const { world } = discord.fake
  return (line, by = 0) => {
    const before = new Set(world.interactions.keys())
    try {
      discord.say(chatOf(discord), `/${line}`, 1, by)
    } catch {
      return null
    }
    const id = [...world.interactions.keys()].find(each => !before.has(each)) ?? ''
    const its = () => [...world.interactions].filter(([each]) => each === id)
    return () =>
      answersIn({ ...world, interactions: new Map(its()) }).map(
        ({ message, file }) => `${shownText(message)}\n${file?.name ?? ''}`,
      )
  }
}

function slackSay({ slack, chatOf }: Chats): Say {
  return (line, by = 0) => {
    const from = slack.answers().length
    slack.say(chatOf(slack), `/${line}`, 1, by)
    return () =>
      slack
        .answers()
        .slice(from)
        .map(({ text, file }) => `${text}\n${file?.name ?? ''}`)
  }
}
