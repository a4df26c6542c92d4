import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../../../core/cli/status.ts'
import { stand } from '../api/stand.ts'
import { paperContext } from './context.ts'

/** A terminal that remembers each redraw, and a key that can be pressed. */
function terminal(socket: string) {
  const redraws: string[] = []
  let press: ((key: string) => void) | undefined
  let drawn = Promise.withResolvers<void>()
  const { context } = paperContext({
    socket,
    tty: true,
    columns: 60,
    rows: 9,
    onKey: listener => {
      press = listener
      return () => {
        press = undefined
      }
    },
    out: text => {
      redraws.push(text)
      drawn.resolve()
      drawn = Promise.withResolvers()
    },
  })
  const until = async (pattern: RegExp) => {
    while (!pattern.test(redraws.at(-1) ?? '')) await drawn.promise
  }
  return { context, redraws, until, press: (key: string) => press?.(key), listens: () => press !== undefined }
}

test('a watch on a terminal redraws in place on the other screen, and q gives the terminal back', async t => {
  const { socket, become, server } = await stand(t)
  const { context, redraws, until, press, listens } = terminal(socket)
  const watching = run(context, [], { watch: true })
  await until(/● ready/)
  become('agent', 'looping')
  await until(/‼ looping/)
  press('x')
  await server.close(100)
  await until(/can't be reached[\s\S]*waiting for it/)
  press('q')
  assert.equal(await watching, 0)
  assert.equal(redraws[0], '\x1b[?1049h\x1b[?25l')
  assert.equal(redraws.at(-1), '\x1b[?25h\x1b[?1049l')
  assert.equal(listens(), false)
  for (const text of redraws.slice(1, -1)) {
    assert.ok(text.startsWith('\x1b[H') && text.endsWith('\x1b[J'), 'no clearing before drawing: that is what flickers')
    assert.ok(text.split('\n').length <= 9, 'more lines than the terminal has would scroll')
  }
})

test('a watch elsewhere prints each change, and only changes', async t => {
  let asked = Promise.withResolvers<void>()
  const { socket, become } = await stand(t, {
    onStatus: () => {
      asked.resolve()
      asked = Promise.withResolvers()
    },
  })
  const ending = new AbortController()
  const printed: string[] = []
  let more = Promise.withResolvers<void>()
  const { context } = paperContext({
    socket,
    json: true,
    signal: ending.signal,
    out: text => {
      printed.push(text)
      more.resolve()
      more = Promise.withResolvers()
    },
  })
  const watching = run(context, [], { watch: true })
  await more.promise
  // Looked at twice more: nothing changed, so nothing is printed.
  await asked.promise
  await asked.promise
  become('agent', 'backoff')
  await more.promise
  become('agent', 'ready')
  await more.promise
  ending.abort()
  assert.equal(await watching, 0)
  const states = printed.map(text => (JSON.parse(text) as { services: { state: string }[] }).services[0]?.state)
  assert.deepEqual(states, ['ready', 'backoff', 'ready'])
})
