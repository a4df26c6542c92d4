import assert from 'node:assert/strict'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Pair, type PairHost, run } from '../../bot/pair.ts'
import { codeOf, Fault } from '../../core/fault.ts'
import { paperContext } from '../core/cli/context.ts'
import { freshFolder } from '../core/config/folder.ts'

/** Runs `heald whatsapp pair` for a bot that is `bot`; resolves with what the adapter was asked for. */
async function pairAs(t: TestContext, bot: object, host: Partial<PairHost>, folder = freshFolder(t)) {
  const config = join(folder, 'heald.yaml')
  const channels = { console: {}, whatsapp: { chats: ['4915112345678@c.us'] } }
  const routes = [{ to: ['whatsapp', 'console'] }]
  writeFileSync(config, JSON.stringify({ services: { app: { run: ['sleep', '1'] } }, bot, channels, routes }))
  const asked: { folder: string; socket: string | null }[] = []
  const pair: Pair = async (_, { folder, socket }) => void asked.push({ folder, socket })
  const { context, out } = paperContext({ state: folder })
  await run(context, ['pair'], { config }, pair, { isRoot: true, socket: join(folder, 'none.sock'), ...host })
  assert.match(out(), /^Linked\./)
  return { folder, asked }
}

test('root pairs no bot that is a unit while the unit of WhatsApp is not there', async t => {
  await assert.rejects(pairAs(t, { run: 'unit' }, {}), (error: unknown) => {
    assert.ok(error instanceof Fault)
    assert.equal(codeOf(error), 'install.missing')
    assert.match(error.hint ?? '', /heald install.*systemctl start heald-whatsapp\.socket/)
    return true
  })
})

test('through the unit where it is there, in the folder of the bot where there is none', async t => {
  const socket = join(freshFolder(t), 'whatsapp.sock')
  writeFileSync(socket, '')
  const byUnit = await pairAs(t, { run: 'unit' }, { socket })
  assert.deepEqual(byUnit.asked, [{ folder: join(byUnit.folder, 'bot/whatsapp'), socket }])
  for (const [bot, isRoot] of [
    [{ run: 'unit' }, false],
    [{}, true],
  ] as const) {
    const { asked, folder } = await pairAs(t, bot, { isRoot })
    assert.deepEqual(asked, [{ folder: join(folder, 'bot/whatsapp'), socket: null }])
  }
})

test('root pairs no bot that runs as another user, as heald does', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const folder = freshFolder(t)
  mkdirSync(join(folder, 'ledger'))
  chownSync(join(folder, 'ledger'), 54_321, 54_321)
  await assert.rejects(pairAs(t, {}, {}, folder), {
    code: 'usage.user',
    hint: `run it as that user: sudo -u '#54321' heald … --state ${folder}`,
  })
})
