import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { bodyOf, fits as fitsDiscord } from '../../adapters/chat/discord-payload.ts'
import { fitsSlack, payloadOf as slackOf } from '../../adapters/chat/slack-payload.ts'
import { fitsTelegram, payloadOf as telegramOf } from '../../adapters/chat/telegram-payload.ts'
import { fitsIn as fitsWhatsApp, textOf } from '../../adapters/chat/whatsapp-text.ts'
import { fit } from '../../bot/fit.ts'
import type { Message } from '../../bot/message.ts'
import { checkpointPost } from '../../bot/render-checkpoint.ts'
import { signCheckpoint } from '../../core/ledger/checkpoint.ts'
import { parseGivenKey } from '../../core/ledger/given-key.ts'
import { rawPublicKey, verifierKey, vkeyOf } from '../../core/ledger/note.ts'
import { receiptOf } from '../../core/ledger/receipt.ts'
import { fromHex } from '../../core/ledger/tree/hash.ts'

/** As long as each part may be, and signed by two keys, as where one hands over to the next. */
function longest() {
  const host = 'h'.repeat(63)
  const origin = `${host}/heald/8f3c21aa`
  const [one, two] = [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed25519').privateKey]
  const size = 999_999_999_999
  const note = signCheckpoint({ origin, size, root: fromHex('8f'.repeat(32)) ?? assert.fail() }, one, two)
  const key = verifierKey(origin, rawPublicKey(two)) ?? assert.fail()
  const receipt = receiptOf(size - 1, '8f3c21aa'.repeat(8))
  return { host, checkpoint: { note, size, root: '', vkey: vkeyOf(key), receipt } }
}

const PLATFORMS: Readonly<Record<string, readonly [(message: Message) => boolean, (message: Message) => string]>> = {
  telegram: [fitsTelegram, message => telegramOf(message).html],
  discord: [fitsDiscord, message => bodyOf(message).embeds[0].description ?? ''],
  slack: [fitsSlack, message => texts(slackOf(message)).join('\n')],
  whatsapp: [fitsWhatsApp, textOf],
}

/** All text in it, unescaped. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : []
}

test('a checkpoint in a chat can be copied whole, with its key and receipt as --key takes them, on each platform', () => {
  const { host, checkpoint } = longest()
  const line = `${checkpoint.vkey} ${checkpoint.receipt}`
  assert.notEqual(parseGivenKey(line)?.told, undefined)
  const post = checkpointPost(checkpoint, { host, tz: 'UTC' })
  for (const [platform, [fits, written]] of Object.entries(PLATFORMS)) {
    const said = written(fit(post, fits))
    assert.ok(said.includes(line), `${platform}: the key and its receipt: ${said}`)
    for (const each of checkpoint.note.trimEnd().split('\n'))
      assert.ok(said.includes(each), `${platform}: ${each} in ${said}`)
  }
})

test('a checkpoint whose key nobody tells of is posted without one, and nothing is promised of it', () => {
  const { host, checkpoint } = longest()
  const post = checkpointPost({ ...checkpoint, vkey: null, receipt: null }, { host, tz: 'UTC' })
  assert.equal(post.blocks.filter(({ block }) => block === 'log').length, 1)
  const said = texts(post.blocks).join('\n')
  assert.match(said, /None of the keys that the ledger tells of has signed this: either it or the ledger was changed/)
  assert.doesNotMatch(said, /nobody can change|--key/)
})
