import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { subcommands } from '../../core/cli/commands.ts'
import { checkConfig } from '../../core/config/load.ts'
import { has, temporary } from '../adapters/host/nix-stand.ts'
import { ABLE } from '../core/config/folder.ts'
import { expectNone, projectFiles } from '../structure/project.ts'
import { evaluator, nixIsMissing } from './evaluate.ts'

// What needs nixpkgs to be built is evaluated here all the same: each machine's system, and the words of its test.

interface Machine {
  readonly name: string
  readonly testScript: string
  readonly file: object
  readonly assertions: readonly { readonly assertion: boolean; readonly message: string }[]
}

const MACHINES = `lib.mapAttrs (_: machine: {
  inherit (machine) name testScript;
  inherit (machine.machine) assertions;
  file = builtins.fromJSON machine.machine.environment.etc."heald/heald.yaml".source.text;
}) (import (root + "/nix/tests") { inherit pkgs; module = root + "/nix/module.nix"; })`

/** What the driver of nixpkgs has for a machine. */
const METHODS = ['succeed', 'fail', 'execute', 'wait_for_unit', 'wait_until_succeeds', 'wait_until_fails']

test('every file of Nix is parsed', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { parse } = evaluator(t)
  const files = projectFiles().filter(file => file.endsWith('.nix'))
  assert.ok(files.length >= 20)
  for (const file of files) parse(file)
})

test('the machines for crash, rollback, dead-man and tamper have a configuration that heald takes', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const machines = evaluator(t).evaluate<Record<string, Machine>>(MACHINES)
  assert.deepEqual(Object.keys(machines), ['crash', 'dead-man', 'rollback', 'tamper'])
  const folder = temporary(t)
  for (const [name, { file, assertions }] of Object.entries(machines)) {
    assert.ok(assertions.length > 0 && assertions.every(({ assertion }) => assertion), name)
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(file))
    assert.deepEqual((await checkConfig(join(folder, `${name}.json`), { facts: ABLE })).problems, undefined, name)
  }
})

test('their tests are Python, and call what there is', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  if (!has('python3')) return t.skip('needs python3')
  const unread = () => assert.fail('only names are read')
  const table = subcommands({ up: unread, bot: unread, whatsapp: unread, fakes: unread, doctor: unread, init: unread })
  const commands = new Map(table.map(({ name, options }) => [name, Object.keys(options)]))
  const machines = evaluator(t).evaluate<Record<string, Machine>>(MACHINES)
  for (const [name, { testScript }] of Object.entries(machines)) {
    const { status, stderr } = spawnSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], {
      input: testScript,
      encoding: 'utf8',
    })
    assert.equal(status, 0, `${name}: ${stderr}`)
    const called = [...testScript.matchAll(/\bmachine\.(\w+)\(/g)].map(([, method = '']) => method)
    assert.ok(called.length > 5)
    expectNone(
      called.filter(method => !METHODS.includes(method)),
      `${name} calls what no machine has:`,
    )
    for (const [, command = '', rest = ''] of testScript.matchAll(/(?:"|-- |=deploy )heald ([a-z]+)([^"|;>]*)/g)) {
      const options = commands.get(command)
      assert.ok(options !== undefined, `${name}: heald ${command}`)
      const used = [...rest.matchAll(/--([a-z-]+)/g)].map(([, option = '']) => option)
      expectNone(
        used.filter(option => !options.includes(option) && option !== 'json'),
        `${name}: heald ${command} has no such options:`,
      )
    }
  }
})
