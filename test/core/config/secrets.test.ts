import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkConfig, loadConfig } from '../../../core/config/load.ts'
import { ABLE, writeConfig } from './folder.ts'

const SECRET = 'hunter2hunter2'

/** Files that are wrong in the neighbourhood of a secret. */
const TEXTS: readonly (readonly [name: string, text: string])[] = [
  ['on the line of a mistake', `services:\n  web: { run: x, env: { TOKEN: ${SECRET} }, oops: 1 }\n`],
  ['in JSON on one line', `{"services":{"web":{"run":7,"env":{"TOKEN":"${SECRET}"}}}}`],
  ['in a list', `services:\n  web: { run: x, env: [TOKEN=${SECRET}] }\n`],
  ['in a text', `services:\n  web: { run: x, env: ${SECRET} }\n`],
  ['in a list of values', `services:\n  web: { run: x, env: { TOKEN: [${SECRET}] } }\n`],
  ['in a map of values', `services:\n  web: { run: x, env: { TOKEN: { a: ${SECRET} } } }\n`],
  ['in a key', `services:\n  web: { run: x, env: { "TOKEN=${SECRET}": } }\n`],
  ['in a name that is none', `services:\n  web: { run: x, env: { "a b": ${SECRET} } }\n`],
  ['misplaced by two spaces', `services:\n  web:\n    run: x\n    env:\n    TOKEN: ${SECRET}\n`],
  ['misplaced to the top', `env:\n  TOKEN: ${SECRET}\n`],
  ['misplaced at the top', `TOKEN: ${SECRET}\n`],
  ['in an unknown key with an equals sign', `"TOKEN=${SECRET}": 1\n`],
  ['in an unknown map', `services:\n  web: { run: x, environment: { TOKEN: ${SECRET} } }\n`],
  ['under a key of later', `operators: { alice: { totp: ${SECRET} } }\n`],
  ['in place of where a token is', `channels: { telegram: { token: ${SECRET}, chats: [1] } }\n`],
  ['beside a token that is one', `channels: { telegram: { token: ${SECRET}, chats: [x], tokn: ${SECRET} } }\n`],
  ['in JSON in place of where a token is', `{"channels":{"slack":{"botToken":"${SECRET}","channels":["#x"]}}}`],
  ['in a list of places', `channels: { discord: { token: [${SECRET}], channels: [7] } }\n`],
  ['in an unknown place', `channels: { discord: { token: { fiel: ${SECRET} }, channels: ["7"] } }\n`],
  ['as a place', `channels: { discord: { token: { ${SECRET}: x }, channels: ["7"] } }\n`],
  ['in two places', `channels: { discord: { token: { file: ${SECRET}, env: ${SECRET} }, channels: ["7"] } }\n`],
  ['as the name of a variable', `channels: { discord: { token: { env: "${SECRET}-x" }, channels: ["7"] } }\n`],
  ['in place of a channel', `channels: { telegram: ${SECRET} }\n`],
  ['in place of the channels', `channels: ${SECRET}\n`],
  ['in a channel that is none', `channels: { telegramm: { token: ${SECRET} } }\n`],
  ['after a token that lacks its quote', `channels:\n  telegram:\n    token: "${SECRET}\n    chats: [1]\n`],
  ['in place of a list of channels', `channels: { telegram: { chats: { a: ${SECRET} }, token: { env: A } } }\n`],
  ['with an open quote', `services:\n  web:\n    env:\n      TOKEN: "${SECRET}\n`],
  ['with a second colon', `services:\n  web:\n    env:\n      TOKEN: ${SECRET}: x\n`],
  ['behind a tab', `services:\n  web:\n    env:\n\t\tTOKEN: ${SECRET}\n`],
  ['with a bad escape', `services: { web: { env: { TOKEN: "${SECRET}\\q" } } }\n`],
  ['in a broken flow', `{"services": {"web": {"env": {"TOKEN": "${SECRET}" "X": 1}}}}`],
  ['as a broken line of its own', `services:\n  web:\n    env:\n      TOKEN: >\n     ${SECRET}\n`],
  ['as an alias', `services:\n  web: { run: x, env: { TOKEN: *${SECRET} } }\n`],
  ['as a tag', `services:\n  web: { run: x, env: { TOKEN: !${SECRET} } }\n`],
  ['shared by an anchor', `services:\n  web: { run: 7, env: &e { TOKEN: ${SECRET} } }\n  two: { run: 7, env: *e }\n`],
  ['over several lines', `services:\n  web:\n    env: { oops, TOKEN: "a\n  ${SECRET}" }\n`],
  ['in a pattern', `ledger: { redact: [${SECRET}, abc] }\n`],
  ['in env, which a target has not', `targets:\n  app: { kind: nixos, env: { TOKEN: ${SECRET} } }\n`],
  ['in an unknown key of a target', `targets:\n  app: { kind: nixos, token: ${SECRET} }\n`],
  ['in place of the target', `targets:\n  app: ${SECRET}\n`],
  ['in place of the targets', `targets: ${SECRET}\n`],
  ['in place of the checks', `targets:\n  app: { kind: nixos, checks: ${SECRET} }\n`],
  ['in place of a check', `targets:\n  app: { kind: nixos, checks: [${SECRET}] }\n`],
  ['in an unknown key of a check', `targets:\n  app: { kind: nixos, checks: [{ tcp: "a:1", token: ${SECRET} }] }\n`],
  ['in place of switch', `switch: ${SECRET}\n`],
  ['in place of the budget', `switch: { budget: ${SECRET} }\n`],
  ['beside a target that is none', `services:\n  web: { run: x, env: { TOKEN: ${SECRET} }, target: nap }\n`],
  ['in a URL', `services:\n  web: { run: x, health: { http: "http://u:${SECRET}@a/" } }\n`.replace('http:', 'ftp:')],
]

for (const [name, text] of TEXTS) {
  test(`a secret is not repeated: ${name}`, async t => {
    const path = writeConfig(t, text)
    const { problems = [] } = await checkConfig(path, { facts: ABLE })
    assert.ok(problems.length > 0, 'the file was meant to be wrong')
    // A URL's line is shown, as any other line is; the words about it don't repeat it.
    const told = name === 'in a URL' ? problems.map(({ message, hint }) => ({ message, hint })) : problems
    assert.ok(!JSON.stringify(told).includes(SECRET), JSON.stringify(problems, null, 1))
    await assert.rejects(
      loadConfig(path, ABLE),
      (error: unknown) => error instanceof Error && !error.message.includes(SECRET),
    )
  })
}

test('whatever is wrong around it, a value of env is never repeated', async t => {
  const path = writeConfig(t, '')
  const { writeFileSync } = await import('node:fs')
  const good = `host: a\nservices:\n  web:\n    run: [x, y]\n    env:\n      TOKEN: "${SECRET}"\n      OTHER: '${SECRET}'\n    stop: { timeout: 5s }\n`
  const change = fc.record({
    at: fc.nat({ max: good.length }),
    cut: fc.nat({ max: 3 }),
    put: fc.constantFrom(
      '',
      '"',
      "'",
      ':',
      ' ',
      '\n',
      '\t',
      '{',
      '}',
      '[',
      ']',
      ',',
      '- ',
      '&',
      '*',
      '!',
      '|',
      '%',
      '@',
      '#',
    ),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async changes => {
      let text = good
      for (const { at, cut, put } of changes) text = text.slice(0, at) + put + text.slice(at + cut)
      // Where "env" itself was changed, or a secret became a key or a part of one, nobody can know.
      if (!/\n {4}env:\n/.test(text) || /\w2?hunter2hunter2|hunter2hunter2\W{0,3}:/.test(text)) return
      writeFileSync(path, text)
      const { problems = [] } = await checkConfig(path, { facts: ABLE })
      assert.ok(!JSON.stringify(problems).includes(SECRET), `${text}\n${JSON.stringify(problems, null, 1)}`)
    }),
    { numRuns: 1000 },
  )
})

/** What looks like a token is not shown, also where nobody expects one. */
const LOOKS = [
  '123456789:AAFakeFakeFakeFakeFakeFakeFakeFake0',
  'xoxb-1111111111-2222222222-fakefakefakefake',
  'xapp-1-A0FAKE-11111-fakefakefake',
  'FakeFakeFakeFakeFakeFake.Fake01.FakeFakeFakeFakeFakeFakeFake',
  '0123456789abcdef0123456789abcdef',
]

for (const token of LOOKS)
  test(`a token is not repeated, wherever it stands: ${token.slice(0, 5)}`, async t => {
    const texts = [
      `channels: { telegram: { token: { env: T }, chats: ["${token}"] } }\n`,
      `channels: { slack: { botToken: { env: T }, appToken: { env: A }, channels: ["${token}"] } }\n`,
      `channels: { discord: { token: { file: "${token}" }, channels: [7] } }\n`,
      `channels: { discord: { token: { env: "${token}" }, channels: [7] } }\n`,
      `routes: [{ to: ["${token}"] }]\n`,
      `bot: { user: "${token}" }\nservices: { web: { runs: x } } # ${token}\n`,
    ]
    for (const text of texts) {
      const { problems = [] } = await checkConfig(writeConfig(t, text), { facts: ABLE })
      assert.ok(problems.length > 0, text)
      assert.ok(!JSON.stringify(problems).includes(token), JSON.stringify(problems, null, 1))
    }
  })
