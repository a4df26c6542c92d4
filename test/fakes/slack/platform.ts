import { openSlack } from '../../../adapters/chat/slack.ts'
import type { ChannelEvents, ChannelTools } from '../../../bot/channel.ts'
import { SAYABLE } from '../../../bot/sayable.ts'
import type { SlackSpec } from '../../../core/config/channel-spec.ts'
import type { Shown } from '../../conformance/platform.ts'
import type { Speaking } from '../../conformance/speaking.ts'
import { plainId, type SlackFake, type SlackFakeOptions, startSlackFake } from './fake.ts'
import { readableOf } from './readable.ts'
import { deleteMessage, type Room, type Stored } from './workspace.ts'

export interface SlackPlatform extends Speaking {
  readonly fake: SlackFake
  /** What adapters warned of. */
  readonly warnings: string[]
}

/** The fake with the real adapter in front of it, in socket mode. */
export async function startSlackPlatform(options: SlackFakeOptions = {}): Promise<SlackPlatform> {
  const fake = await startSlackFake(options)
  const { workspace, sockets } = fake
  const warnings: string[] = []
  const roomOf = (chat: string): Room => {
    const room = workspace.rooms.get(chat)
    if (room === undefined) throw new Error(`there is no channel ${chat}`)
    return room
  }
  return {
    name: 'slack',
    chats: ['C0ONE', 'C0TWO'],
    fake,
    warnings,
    open: (events = {}) => openSlack(slackSpec(fake), slackTools(fake, events, warnings)),
    shown: chat => roomOf(chat).messages.flatMap(message => (message.isTombstone ? [] : [shownOf(chat, message)])),
    requests: () => fake.calls('chat.postMessage', 'chat.update', 'conversations.history'),
    next: (trouble, afterMs) => fake.next(trouble, afterMs),
    remove: (chat, reference) => deleteMessage(roomOf(chat), tsOf(reference)),
    leave(chat) {
      roomOf(chat).isMember = false
    },
    revoke() {
      workspace.isRevoked = true
    },
    admit() {
      workspace.isRevoked = false
    },
    cut: () => fake.cut(),
    // `/status agent` is `/heald status agent` here.
    say: (chat, text, times = 1, by = 0) =>
      sockets.send('slash_commands', fake.commandOf(chat, text.replace('/', ''), workspace.people[by]), times),
    press: (chat, reference, buttonId, by = 0) =>
      sockets.send('interactive', fake.pressOf(chat, tsOf(reference), buttonId, workspace.people[by])),
    people: [`${workspace.team}/U0HUMAN`, `${workspace.team}/U0BOB`],
    does: { privately: true, forms: true, guesses: false, registers: false, again: true, hides: false },
    again: () => sockets.again(),
    answers: () =>
      workspace.answers.map(({ text, blocks, isEphemeral, file }) => {
        const shown = readableOf(text, blocks)
        return { text: shown.text, buttons: shown.buttons.map(plainId), isPrivate: isEphemeral, file }
      }),
    pressAnswer: (at, buttonId, by = 0) =>
      sockets.send('interactive', fake.pressAnswerOf(at, buttonId, workspace.people[by])),
    forms: () => workspace.views.map(({ title }) => title),
    fillIn: code => sockets.send('interactive', fake.submissionOf(code)),
    acknowledged: () => [...sockets.envelopes.values()].map(({ acknowledgedMs }) => acknowledgedMs),
    typing: () => 0,
    unconfirmed: () => [...sockets.envelopes.values()].filter(({ isAcknowledged }) => !isAcknowledged).length,
    registered: () => [],
    registrations: () => 0,
    guess: async () => [],
    written: () => [],
    setLatency(ms) {
      fake.latencyMs = ms
    },
    breaches: () => workspace.breaches,
    close: () => fake.close(),
    can: { tellTwins: true, buttons: true, silence: false, words: true, edit: true },
  }
}

export function slackSpec(fake: SlackFake, change: Partial<SlackSpec> = {}): SlackSpec {
  return {
    ...{ kind: 'slack', chats: ['C0ONE', 'C0TWO'], quietHours: null, digest: null },
    ...{ botToken: { env: 'BOT' }, appToken: { env: 'APP' }, http: null, apiUrl: fake.apiUrl },
    ...change,
  }
}

export function slackTools(fake: SlackFake, events: Partial<ChannelEvents>, warnings: string[]): ChannelTools {
  const { botToken, appToken, signingSecret } = fake.workspace
  const secrets: Record<string, string> = { BOT: botToken, APP: appToken, SIGN: signingSecret }
  return {
    events: { onState: () => {}, onWord: () => {}, ...events },
    async readSecret(secret) {
      const found = 'env' in secret ? secrets[secret.env] : undefined
      if (found === undefined) throw new Error('there is no such secret')
      return found
    },
    words: SAYABLE,
    warn: text => void warnings.push(text),
    folder: '/nowhere',
  }
}

/** Of a reference as the adapter gives it: `channel/ts`, `channel/ts/thread`. */
export function tsOf(reference: string): string {
  return reference.split('/')[1] ?? ''
}

function shownOf(chat: string, { ts, text, blocks, threadTs, editedTs }: Stored): Shown {
  const { text: shown, buttons, labels, pings } = readableOf(text, blocks)
  return {
    reference: threadTs === null ? `${chat}/${ts}` : `${chat}/${ts}/${threadTs}`,
    text: shown,
    isSilent: false,
    replyTo: threadTs === null ? null : `${chat}/${threadTs}`,
    ...{ buttons: buttons.map(plainId), labels },
    isEdited: editedTs !== null,
    pings: pings.map(ping => ping.replace('@', '')),
  }
}
