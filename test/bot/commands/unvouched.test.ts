import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { answerOf } from '../../../bot/commands/table.ts'
import { createLinks } from '../../../bot/links.ts'
import type { Message } from '../../../bot/message.ts'
import type { Args } from '../../../core/command/port.ts'
import type { Word } from '../../../core/command/words.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { exit, folder, opened } from '../../core/ledger/stand.ts'
import { victim } from '../../core/ledger/victim.ts'

const links = createLinks()

function textOf({ blocks }: Message): string {
  return blocks.map(block => (block.block === 'text' || block.block === 'log' ? block.text : '')).join('\n')
}

function shown(word: Word, args: Args, data: unknown): Message {
  const showing = {
    ...{ place: { host: 'web-1', tz: 'UTC' }, nowMs: Date.now(), platform: 'slack' as const, line: word, page: 1 },
    ...{ links, hasLogs: false },
  }
  return answerOf({ reply: 'answer', word, args, data }, showing).message
}

test('a card does not call a lost key, nor what has no checkpoint, a changed past', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await opened(t, dir)
  await one.settled()
  await one.append(exit(1))
  await one.checkpoint()
  await one.close(2000)
  rmSync(join(dir, 'keys'), { recursive: true })
  const two = await opened(t, dir)
  await two.settled()
  await two.rotateKey('local:admin')
  await two.append(exit(2))
  await two.checkpoint()
  await two.close(2000)
  const lost = shown('verify', {}, { ledger: await verifyLedger(dir) })
  assert.deepEqual([lost.title, lost.tone], ['NOT ALL OF THIS LEDGER IS VOUCHED FOR', 'critical'])
  assert.match(textOf(lost), /^nobody vouched for the key of epoch 1.*\.$/m)
  assert.match(textOf(lost), /--key KEY --accept-gap/)
  rmSync(join(dir, 'checkpoint'))
  const bare = shown('verify', {}, { ledger: await verifyLedger(dir) })
  assert.equal(bare.title, 'THE LEDGER HAS NO CHECKPOINT')
  assert.match(textOf(bare), /nothing that is here contradicts it/)
  assert.doesNotMatch(textOf(bare), /changed the past/)
})

test('a card says that the folder with the handovers is missing, and calls that no changed past', async t => {
  const { dir } = await victim(t)
  rmSync(join(dir, 'cp'), { recursive: true })
  const bare = shown('verify', {}, { ledger: await verifyLedger(dir) })
  assert.equal(bare.title, 'NO HANDOVER OF A KEY IS BESIDE THE LEDGER')
  assert.match(textOf(bare), /^the key of epoch 1 begins here, .* since nothing is in its folder "cp"\.$/m)
  assert.match(textOf(bare), /nothing that is here contradicts it/)
  assert.doesNotMatch(textOf(bare), /changed the past/)
})
