import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import { nixIsMissing } from '../adapters/host/nix-stand.ts'
import { until } from '../until.ts'
import { chatsInside } from './chats-inside.ts'
import { type HealdInside, healdInside } from './heald-inside.ts'
import { quickSleep } from './hurry.ts'
import { type Machine, machineIsMissing, ROOT, startMachine } from './machine.ts'

/** A machine that runs a small system with one unit, looked after by heald: the target `system` and its service `agent`. */
export interface SystemSite {
  readonly machine: Machine
  readonly heald: HealdInside
  /** The path of a system by its name. */
  path(name: string): string
  /** Names of the systems that run, that a reboot leads to, and that the boot loader would start. */
  pointers(): string[]
  /** Waits until each chat shows a message that all of these fit; of a site with a bot. */
  told(what: string, ...words: readonly RegExp[]): Promise<void>
  /** What the agent says that it belongs to. */
  beat(): string
  /** Waits until the target rests on this system, the agent with it, and nothing is left over. */
  restsOn(...names: string[]): Promise<string>
  deploy(name: string, ...options: string[]): ReturnType<HealdInside['cli']>
  status(): Promise<Status>
  /**
   * Turns something on, or off again. `hurry`: a dead-man's minutes pass in some seconds. `slowly`, `broken`: the switches
   * of all systems are (see the fixture).
   */
  turn(what: 'hurry' | 'slowly' | 'broken', isOn: boolean): void
  /** These systems have another unit of heald than the others: a switch between them restarts heald. */
  otherHeald(...names: string[]): void
}

export function systemSiteIsMissing(): string | null {
  return machineIsMissing() ?? nixIsMissing()
}

export async function makeSystemSite(t: TestContext, { hasBot = false } = {}): Promise<SystemSite> {
  const machine = await startMachine(t)
  const chats = hasBot ? await chatsInside(t, machine) : null
  const root = join(machine.shared, 'nix')
  mkdirSync(root)
  const env = {
    ...{ NIX_STORE_DIR: join(root, 'store'), NIX_STATE_DIR: join(root, 'var/nix'), NIX_LOG_DIR: join(root, 'log') },
    ...{ NIX_CONF_DIR: join(root, 'etc'), NIX_USER_CONF_FILES: '', NIX_REMOTE: '' },
  }
  const built = execFileSync('sh', [join(ROOT, 'test/fixtures/builds-unit-systems.sh'), root], {
    ...{ encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { PATH: process.env.PATH, HOME: root, ...env },
  })
  const paths = new Map(built.split('\n').map(line => line.split(' ') as [string, string]))
  const profile = join(root, 'var/nix/profiles/system')
  const running = join(root, 'run/current-system')
  const nameOf = (link: string) => readFileSync(join(realpathSync(link), 'nixos-version'), 'utf8').trim()
  await machine.must(join(realpathSync(running), 'bin/switch-to-configuration'), 'test')
  const hurry = quickSleep(machine)
  const heald = healdInside(machine, { env: { ...env, PATH: hurry.path }, hasBot })
  heald.configure({
    host: 'machine',
    services: {
      agent: {
        unit: 'agent.service',
        target: 'system',
        health: {
          file: join(root, 'beat'),
          maxAge: '1s',
          every: '200ms',
          timeout: '100ms',
          failures: 2,
          startup: '5s',
        },
        crashLoop: { failures: 3, within: '60s' },
      },
    },
    targets: { system: { kind: 'nixos', profile, running, activationDeadline: '10s' } },
    switch: { probation: '1s', passes: 2, deadMan: '72s', budget: { perHour: 100, perDay: 100 } },
    ...chats?.settings,
  })
  const site: SystemSite = {
    ...{ machine, heald },
    told: (what, ...words) => chats?.everywhere(what, ...words) ?? assert.fail('this site has no chats'),
    path: name => paths.get(name) ?? assert.fail(`the fixture builds no ${name}`),
    pointers: () => [running, profile, join(root, 'boot-default')].map(nameOf),
    beat: () => (existsSync(join(root, 'beat')) ? readFileSync(join(root, 'beat'), 'utf8').trim() : ''),
    status: async () => (await heald.status()) ?? assert.fail('heald does not answer'),
    turn(what, isOn) {
      const file = join(root, what)
      if (what === 'hurry') hurry.turn(isOn)
      else if (isOn) writeFileSync(file, '')
      else rmSync(file, { force: true })
    },
    otherHeald: (...names) => writeFileSync(join(root, 'other-heald'), names.map(name => `${name}\n`).join('')),
    deploy: (name, ...options) => heald.cli('deploy', 'system', site.path(name), ...options),
    async restsOn(...names) {
      let seen = ''
      await until(
        `the system to rest on ${names.join(' or ')}`,
        async () => {
          // It may have been killed a moment ago.
          const status = await heald.status()
          if (status === null) return false
          const { targets, services } = status
          const [runs = '', ...others] = site.pointers()
          const [target, agent] = [targets[0], services[0]]
          seen = JSON.stringify({ runs, others, target, agent, beat: site.beat() })
          if (target?.state !== 'idle' || target.knownGood === null || agent?.state !== 'ready') return false
          if (!names.includes(runs) || others.some(other => other !== runs)) return false
          const { Description } = await machine.show('agent', 'Description')
          const left = await machine.must('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'heald-*')
          const units = left.split('\n').filter(line => line !== '' && !/^heald-(test|bot)\.service/.test(line))
          seen += JSON.stringify({ Description, units })
          return (
            Description === `the agent of ${runs}` && site.beat().replace('slow', runs) === runs && units.length === 0
          )
        },
        60_000,
        100,
      ).catch(async error => {
        const lines = heald
          .entries()
          .slice(-30)
          .map(e => `${e.seq} ${e.kind} ${e.svc ?? ''} ${JSON.stringify(e.data)}`)
        throw new Error(`${error}\n${seen}\n${lines.join('\n')}\n${await heald.said()}`)
      })
      return site.pointers()[0] ?? ''
    },
  }
  await heald.up()
  await chats?.up()
  return site
}
