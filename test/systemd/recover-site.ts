import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import type { Entry } from '../../core/entry.ts'
import { until } from '../until.ts'
import { INSTALLED, INSTALLED_NODE, type Machine, startMachine } from './machine.ts'
import type { Ran } from './run-inside.ts'

/**
 * A machine on which heald can be installed, to be booted in the middle of a switch. It boots to basic.target, and heald is
 * wanted later: what is seen before it is started was done without it.
 */
export interface RecoverSite {
  readonly machine: Machine
  at(...path: string[]): string
  /** Writes the configuration, with this probation. */
  configure(probation: string): void
  heald(...words: string[]): Promise<Ran>
  install(): Promise<void>
  entries(): Entry[]
  /** Waits for an entry that a target has, with this number or a later one. */
  entry(kind: string, from: number, target: string): Promise<Entry>
  target(name: string): Promise<Status['targets'][number] | undefined>
  /** Waits until what runs is known as good. */
  known(name: string): Promise<void>
  /** What systemd says of the recovery. */
  recovered(): Promise<Record<string, string>>
}

export async function makeRecoverSite(t: TestContext, config: object): Promise<RecoverSite> {
  const machine = await startMachine(t)
  const at = (...path: string[]) => join(machine.root(), ...path)
  mkdirSync(at('etc/heald'), { recursive: true })
  const site: RecoverSite = {
    machine,
    at,
    configure(probation) {
      const text = JSON.stringify({ host: 'machine', ...config, switch: { probation, passes: 2, deadMan: '10m' } })
      writeFileSync(at('etc/heald/heald.yaml'), text)
    },
    heald: (...words) => machine.run(INSTALLED_NODE, join(INSTALLED, 'heald.js'), ...words),
    async install() {
      const { code, stdout, stderr } = await site.heald('install')
      assert.equal(code, 0, stdout + stderr)
    },
    entries: () =>
      readdirSync(at('var/lib/heald/ledger/seg')).flatMap(name =>
        readFileSync(at('var/lib/heald/ledger/seg', name), 'utf8')
          .split('\n')
          .slice(0, -1)
          .map(line => JSON.parse(line) as Entry),
      ),
    async entry(kind, from, target) {
      let found: Entry | undefined
      const look = () => {
        found = site.entries().find(each => each.seq >= from && each.kind === kind && each.data.target === target)
        return found !== undefined
      }
      await until(`an entry ${kind} of ${target}`, look)
      return found ?? assert.fail()
    },
    async target(name) {
      const { targets } = JSON.parse((await site.heald('status', '--json')).stdout) as Status
      return targets.find(each => each.name === name)
    },
    known: name => until('what runs to be known as good', async () => (await site.target(name))?.knownGood !== null),
    recovered: () => machine.show('heald-recover', 'ConditionResult', 'Result', 'ExecMainStatus', 'UnitFileState'),
  }
  return site
}
