import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { makeStand } from '../../journeys/stand.ts'

test('too few descriptors for the services are told at the start, with what to do', async t => {
  const stand = await makeStand(t)
  const names = ['a', 'b', 'c']
  const run = ['sleep', '1000']
  stand.configure({ services: Object.fromEntries(names.map(name => [name, { run }])) })
  const wrap = ['sh', '-c', 'ulimit -n 120; exec "$@"', 'sh']
  await stand.up({ wrap })
  assert.match(
    readFileSync(stand.daemonLog, 'utf8'),
    /^heald: 3 services need up to 121 file descriptors, and only 120 are allowed: .*\n {2}raise the limit: LimitNOFILE=1024 /m,
  )
  await stand.must('down')

  const { stdout } = await stand.run([...wrap, ...stand.heald('doctor', '--json')])
  const { checks } = JSON.parse(stdout) as { checks: { id: string; state: string }[] }
  assert.equal(checks.find(check => check.id === 'descriptors')?.state, 'warn')
})
