import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type SlackFake, startSlackFake } from '../../fakes/slack/fake.ts'

// The fake by itself: forms, files, and answers for one person, refused as Slack refuses them.

type Json = Record<string, unknown>

async function start(t: TestContext, scopes?: readonly string[]): Promise<SlackFake> {
  const fake = await startSlackFake(scopes === undefined ? {} : { scopes })
  t.after(() => fake.close())
  return fake
}

async function call(fake: SlackFake, method: string, args: Json = {}): Promise<Json> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${fake.workspace.botToken}` }
  const response = await fetch(`${fake.apiUrl}${method}`, { method: 'POST', headers, body: JSON.stringify(args) })
  return (await response.json()) as Json
}

const plain = (text: string) => ({ type: 'plain_text', text })
const VIEW = {
  ...{ type: 'modal', callback_id: 'code', private_metadata: '{}', title: plain('Code') },
  ...{ submit: plain('Send'), close: plain('Cancel') },
  blocks: [
    {
      ...{ type: 'input', block_id: 'b', label: plain('Code') },
      element: { type: 'plain_text_input', action_id: 'a', max_length: 6 },
    },
  ],
}

test('a form: by a trigger that is known, new and not used; of a shape that is taken', async t => {
  const fake = await start(t)
  const trigger = () => (fake.commandOf('C0ONE', 'status') as { trigger_id: string }).trigger_id
  const open = async (trigger_id: string, view: object = VIEW) =>
    (await call(fake, 'views.open', { trigger_id, view })).error ?? 'ok'
  assert.equal(await open('nobody'), 'invalid_trigger_id')
  const once = trigger()
  for (const view of [
    { ...VIEW, title: plain('x'.repeat(25)) },
    { ...VIEW, type: 'home' },
    { ...VIEW, submit: undefined },
    { ...VIEW, private_metadata: 'x'.repeat(3001) },
    { ...VIEW, blocks: [{ type: 'input' }] },
  ])
    assert.equal(await open(once, view), 'invalid_arguments')
  assert.deepEqual([await open(once), await open(once)], ['ok', 'exchanged_trigger_id'])
  const late = trigger()
  fake.workspace.triggers.set(late, { bornMs: Date.now() - 3100, user: 'U0HUMAN', isUsed: false })
  assert.equal(await open(late), 'expired_trigger_id')
  const filled = fake.submissionOf('123456') as { view: Json; user: { id: string } }
  assert.deepEqual(filled.view.state, { values: { b: { a: { type: 'plain_text_input', value: '123456' } } } })
  assert.equal(filled.user.id, 'U0HUMAN')
  assert.throws(() => fake.submissionOf('123456'), /no form/)
})

test('a file: its place, as many bytes as were told, once, and then where it is shown', async t => {
  const fake = await start(t)
  const place = async (length: number) =>
    (await call(fake, 'files.getUploadURLExternal', { filename: 'a.html', length })) as {
      upload_url: string
      file_id: string
      error?: string
    }
  const send = async (url: string, body: string) => (await fetch(url, { method: 'POST', body })).status
  const complete = async (id: string, channel_id = 'C0ONE') =>
    (await call(fake, 'files.completeUploadExternal', { files: [{ id, title: 'a' }], channel_id })).error ?? 'ok'
  assert.equal((await place(0)).error, 'invalid_arguments')
  const { upload_url: url, file_id: id } = await place(5)
  assert.equal(await complete(id), 'file_not_found')
  assert.equal(await send(url, 'four'), 400)
  assert.equal(await send(url, 'fives'), 200)
  assert.equal(await send(url, 'fives'), 400)
  assert.equal(await complete(id, 'C0NOT'), 'channel_not_found')
  assert.deepEqual([await complete(id), await complete(id)], ['ok', 'file_not_found'])
  assert.deepEqual(fake.workspace.answers.at(-1)?.file, { name: 'a.html', text: 'fives' })
  const bare = await start(t, ['chat:write', 'commands'])
  assert.equal((await call(bare, 'files.getUploadURLExternal', { filename: 'a', length: 1 })).error, 'missing_scope')
})

test('an answer for one person: who has to be there', async t => {
  const fake = await start(t)
  const tell = async (user: string, channel = 'C0ONE') =>
    (await call(fake, 'chat.postEphemeral', { channel, user, text: 'hello' })).error ?? 'ok'
  assert.deepEqual(
    [await tell('U0BOB'), await tell('U0NOBODY'), await tell('U0BOB', 'C0NOT')],
    ['ok', 'user_not_in_channel', 'channel_not_found'],
  )
  assert.equal(fake.workspace.answers.length, 1)
})
