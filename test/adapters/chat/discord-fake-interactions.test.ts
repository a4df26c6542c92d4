import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { putCommands, typedInto } from '../../fakes/discord/commands.ts'
import { type DiscordFake, startDiscordFake } from '../../fakes/discord/server.ts'

const STATUS = { name: 'status', description: 'Show all.', options: [] }
const TARGET = { name: 'target', description: 'which', type: 3, required: true, autocomplete: true, max_length: 20 }
const ROLLBACK = {
  ...{ name: 'rollback', description: 'Lead back.' },
  options: [
    TARGET,
    { name: 'lines', description: 'how many', type: 4, min_value: 1, max_value: 10 },
    { name: 'form', description: 'which', type: 3, choices: [{ name: 'md', value: 'md' }] },
    { name: 'dry-run', description: 'only say', type: 5 },
  ],
}

describe('the fake of Discord refuses of commands and interactions what Discord refuses', () => {
  let fake: DiscordFake
  let chat = ''
  let commands = ''
  beforeEach(async () => {
    fake = await startDiscordFake()
    chat = fake.world.channels.keys().next().value ?? ''
    commands = `/applications/${fake.world.application}/commands`
    assert.equal((await ask('PUT', commands, [STATUS, ROLLBACK])).status, 200)
  })
  afterEach(() => fake.close())

  async function ask(method: string, path: string, body?: unknown) {
    const answer = await fetch(`${fake.apiUrl}/v10${path}`, {
      method,
      headers: {
        authorization: `Bot ${fake.world.token}`,
        'user-agent': 'DiscordBot (https://example.org, 1.0)',
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
  }
  const codes = async (...given: Parameters<typeof ask>) => {
    const { status, body } = await ask(...given)
    return [status, body?.code]
  }
  const callback = (id: string) => `/interactions/${id}/${fake.world.interactions.get(id)?.token}/callback`

  test('commands are put as a list, all or none, in a form that its client can show', async () => {
    const of = (option: object) => [{ ...STATUS, options: [{ ...TARGET, ...option }] }]
    for (const bad of [
      [{ ...STATUS, name: 'Status' }],
      [{ ...STATUS, description: '' }],
      [{ ...STATUS, description: 'x'.repeat(101) }],
      [STATUS, STATUS],
      {},
      [{ ...STATUS, nonsense: 1 }],
      of({ name: 'Two words' }),
      of({ type: 9 }),
      of({ choices: [] }),
      of({ max_length: 6001 }),
      [
        {
          ...STATUS,
          options: [
            { ...TARGET, required: false },
            { ...TARGET, name: 'more' },
          ],
        },
      ],
      [{ ...STATUS, options: [TARGET, TARGET] }],
    ])
      assert.equal(putCommands(fake.world, bad).status, 400, JSON.stringify(bad))
    assert.deepEqual(await codes('PUT', commands, {}), [400, 50035])
    const { body } = await ask('GET', commands)
    assert.deepEqual(
      body.map(({ name }: { name: string }) => name),
      ['status', 'rollback'],
    )
  })

  test('people can send only what a command takes', () => {
    const sent = (line: string) => fake.type(chat, line)
    sent('/rollback web')
    sent('/rollback web 7 md --dry-run')
    assert.deepEqual(typedInto(fake.world.commands, '/rollback web 7 --dry-run').options, [
      { name: 'target', type: 3, value: 'web' },
      { name: 'lines', type: 4, value: 7 },
      { name: 'dry-run', type: 5, value: true },
    ])
    for (const [line, why] of [
      ['/rolback web', /no command/],
      ['/rollback', /target is required/],
      ['/rollback web 11', /can’t be 11/],
      ['/rollback web x', /lines can’t be/],
      ['/rollback web 1 pdf', /no choice pdf/],
      [`/rollback ${'x'.repeat(21)}`, /21 characters/],
      ['/status agent', /no field/],
    ] as const)
      assert.throws(() => sent(line), why, line)
    assert.throws(() => fake.interact(chat, { kind: 'button', id: 'b', message: '1' }), /no button/)
    assert.throws(() => fake.interact(chat, { kind: 'form', code: '1' }), /no form/)
    const half = { kind: 'guess', name: 'rollback', option: 'form', begin: '' } as const
    assert.throws(() => fake.interact(chat, half), /completes nothing/)
  })

  test('interactions: one first answer, in time, of a kind that fits', async () => {
    const id = fake.type(chat, '/status')
    assert.deepEqual(await codes('POST', callback(id), { type: 6 }), [400, 50035])
    assert.deepEqual(await codes('POST', callback(id), { type: 5 }), [204, undefined])
    assert.deepEqual(await codes('POST', callback(id), { type: 5 }), [400, 40060])
    const doing = { kind: 'command', name: 'status', options: [] } as const
    const late = fake.interact(chat, doing, 1, { createdMs: Date.now() - 3100 })
    assert.deepEqual(await codes('POST', callback(late), { type: 5 }), [404, 10062])
    assert.deepEqual(await codes('POST', `/webhooks/${fake.world.application}/nobody`, { content: 'x' }), [404, 10015])
  })

  test('half a command takes choices and nothing else, and not too many', async () => {
    const half = () => fake.interact(chat, { kind: 'guess', name: 'rollback', option: 'target', begin: 'w' })
    const choices = (count: number, length = 3) =>
      Array.from({ length: count }, () => ({ name: 'x', value: 'x'.repeat(length) }))
    const id = half()
    for (const body of [{ type: 5 }, { type: 8, data: { choices: choices(26) } }])
      assert.deepEqual(await codes('POST', callback(id), body), [400, 50035])
    assert.deepEqual(
      await codes('POST', callback(half()), { type: 8, data: { choices: choices(1, 101) } }),
      [400, 50035],
    )
    assert.deepEqual(await codes('POST', callback(id), { type: 8, data: { choices: choices(25) } }), [204, undefined])
    const command = fake.type(chat, '/status')
    assert.deepEqual(await codes('POST', callback(command), { type: 8, data: { choices: [] } }), [400, 50035])
  })

  test('a form has a short title and labelled fields, and is never the answer to a form', async () => {
    const field = { type: 4, custom_id: 'code', label: 'Code', style: 1 }
    const form = { custom_id: 'c:b', title: 'Code', components: [{ type: 1, components: [field] }] }
    const id = fake.type(chat, '/status')
    for (const data of [
      { ...form, title: 'x'.repeat(46) },
      { ...form, components: [] },
      { ...form, components: [{ type: 1, components: [field, field] }] },
      { ...form, components: [{ type: 1, components: [{ ...field, label: 'x'.repeat(46) }] }] },
    ])
      assert.deepEqual(await codes('POST', callback(id), { type: 9, data }), [400, 50035])
    assert.deepEqual(await codes('POST', callback(id), { type: 9, data: form }), [204, undefined])
    const filled = fake.interact(chat, { kind: 'form', code: '123456' })
    assert.deepEqual(await codes('POST', callback(filled), { type: 9, data: form }), [400, 50035])
  })
})
