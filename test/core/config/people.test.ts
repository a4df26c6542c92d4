import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkConfig } from '../../../core/config/load.ts'
import { ABLE, writeConfig } from './folder.ts'

async function people(t: import('node:test').TestContext, text: string) {
  const { config, problems } = await checkConfig(writeConfig(t, text), { facts: ABLE })
  assert.equal(problems, undefined, JSON.stringify(problems))
  return config?.people ?? assert.fail()
}

async function warnings(t: import('node:test').TestContext, text: string): Promise<string[]> {
  const checked = await checkConfig(writeConfig(t, `services: { a: { run: sh } }\n${text}`), {
    facts: ABLE,
    warn: true,
  })
  if (checked.problems !== undefined) assert.fail(JSON.stringify(checked.problems))
  return checked.warnings.map(({ path, message }) => `${path}: ${message}`)
}

test('operators, with their accounts by any of their names', async t => {
  const { operators, oncall } = await people(
    t,
    `operators:
  alice: { role: admin, telegram: 1001, slack: U01AB, discord: 112233445566778899, totp: { env: TOTP_ALICE } }
  bob: { role: operator, telegram: [1002, 1003], slack: T01AB/U02AB }
oncall: bob
`,
  )
  assert.deepEqual(operators, [
    {
      ...{ id: 'alice', role: 'admin', telegram: ['1001'], discord: ['112233445566778899'], slack: ['U01AB'] },
      totp: { env: 'TOTP_ALICE' },
    },
    { id: 'bob', role: 'operator', telegram: ['1002', '1003'], discord: [], slack: ['T01AB/U02AB'], totp: null },
  ])
  assert.deepEqual(oncall, ['bob'])
})

test('without a policy each word has its own, and codes are needed as soon as somebody has one', async t => {
  const none = await people(t, 'operators: { alice: { role: admin } }\n')
  const plain = { role: 'operator', approvals: 0, code: false, expireMs: 600_000 }
  assert.deepEqual(none.policy.rollback, plain)
  assert.deepEqual(none.policy.status, { ...plain, role: 'viewer' })
  assert.equal(none.policy.whoami, undefined)
  const one = await people(t, 'operators: { alice: { role: admin, totp: { env: T } }, bob: { role: operator } }\n')
  const coded = Object.entries(one.policy).flatMap(([word, { code }]) => (code ? [word] : []))
  assert.deepEqual(coded, ['rollback', 'deploy', 'stop', 'unfreeze'])
})

test('a policy says otherwise, word by word', async t => {
  const { policy } = await people(
    t,
    `operators: { alice: { role: admin, totp: { env: T } } }
policy:
  rollback: { role: admin, approvals: 2, expire: 30m }
  stop: { code: false }
  restart: { code: true }
  logs: { role: admin }
`,
  )
  assert.deepEqual(policy.rollback, { role: 'admin', approvals: 2, code: true, expireMs: 1_800_000 })
  assert.equal(policy.stop?.code, false)
  assert.equal(policy.restart?.code, true)
  assert.equal(policy.logs?.role, 'admin')
})

test('a check warns of approvals that nobody could give, and of codes that nobody has', async t => {
  const two = 'operators: { alice: { role: admin }, bob: { role: operator } }\n'
  assert.deepEqual(await warnings(t, `${two}policy: { rollback: { approvals: 2 } }\n`), [])
  const [three] = await warnings(t, `${two}policy: { rollback: { approvals: 3 } }\n`)
  assert.match(three ?? '', /^policy\.rollback.*asks for 3 approvals, and only one other and the host could$/)
  const admin = `operators: { alice: { role: admin }, bob: { role: operator } }\npolicy: { stop: { role: admin, approvals: 2 } }\n`
  assert.match((await warnings(t, admin))[0] ?? '', /only the host itself could/)
  assert.match((await warnings(t, `${two}policy: { stop: { code: true } }\n`))[0] ?? '', /nobody who may has a code/)
})

test('a check warns of a secret that is not there, and says how it is made', async t => {
  const text = 'services: { a: { run: sh } }\noperators: { alice: { role: admin, totp: { file: totp-alice } } }\n'
  const path = writeConfig(t, text)
  const look = async () => {
    const checked = await checkConfig(path, { facts: ABLE, warn: true })
    return checked.problems === undefined ? checked.warnings.map(({ hint }) => hint) : assert.fail()
  }
  assert.match((await look())[0] ?? '', /heald totp alice/)
  writeFileSync(join(path, '..', 'totp-alice'), 'JBSWY3DPEHPK3PXP\n', { mode: 0o600 })
  assert.deepEqual(await look(), [])
})
