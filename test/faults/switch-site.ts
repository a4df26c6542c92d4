import assert from 'node:assert/strict'
import {
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { request } from '../../core/api/client.ts'
import type { Status } from '../../core/api/control.ts'
import type { SwitchControl, Switched } from '../../core/api/switch-control.ts'
import { nixIsMissing, nixStand } from '../adapters/host/nix-stand.ts'
import type { Daemon } from '../journeys/daemon.ts'
import { activationGroupsGone } from '../journeys/leftovers.ts'
import { makeStand, type Stand } from '../journeys/stand.ts'
import { makeStrike, type Strike, strikeIsMissing } from './switch-strike.ts'

export const KINDS = ['releases', 'nix-profile', 'nixos'] as const
export type Kind = (typeof KINDS)[number]

/** One target `app` of some kind with one service `web`, and a daemon that can be struck. */
export interface Site {
  readonly kind: Kind
  readonly stand: Stand
  readonly strike: Strike
  /** Paths of generations: good ones, the first of which runs at the beginning, and one whose service crashes. */
  readonly one: string
  readonly two: string
  readonly three: string
  readonly bad: string
  /** A generation's path by its name. */
  path(name: string): string
  /** Makes one whose activation is this script. Not for Nix profiles. */
  add(name: string, script: string): string
  /** Folder of the target in heald's state: the dead-man's and Nix's roots. */
  readonly own: () => string
  up(): Promise<Daemon>
  /** Waits until what runs is known to be good. */
  known(): Promise<void>
  status(): Promise<Status>
  deploy(path: string): Promise<Switched>
  rollback(path: string): Promise<Switched>
  /** Real paths of what runs and of what a reboot leads to. */
  pointers(): string[]
  /** Real path that all of the service runs in; null when that can't be told right now. */
  serviceIn(): string | null
  /** Links that no move leaves behind for good. */
  strays(): string[]
  /** Forgets the generation of a path that does not run, so that the next switch to it has to make one. */
  forget(path: string): void
  /** A switch by hand, as people of this kind do it. */
  byHand(path: string): void
}

interface Place {
  readonly target: Record<string, unknown>
  /** What the service is started in, and the file there that names the generation. */
  readonly running: string
  readonly marker: string
  readonly env: Readonly<Record<string, string>>
  readonly counted: readonly string[]
  readonly paths: readonly [one: string, two: string, three: string, bad: string]
  readonly pointers: readonly string[]
  path(name: string): string
  add(name: string, script: string): string
  strays(): string[]
  forget(path: string): void
  byHand(path: string): void
}

/** Why there can be no such site here; null when there can. */
export function siteIsMissing(kind: Kind): string | null {
  return strikeIsMissing() ?? (kind === 'releases' ? null : nixIsMissing())
}

interface Times {
  readonly activationDeadline?: string
  readonly probation?: string
}

export async function makeSite(t: TestContext, kind: Kind, times: Times = {}): Promise<Site> {
  const { activationDeadline = '20s', probation = '300ms' } = times
  const stand = await makeStand(t)
  const place = kind === 'releases' ? releasesPlace(stand.root) : nixPlace(t, kind)
  t.after(() => activationGroupsGone(String(place.target.path ?? place.target.profile)))
  const counted = [...place.counted, join(stand.state, 'switch/'), join(stand.state, 'ledger/seg/')]
  const strike = makeStrike(stand.root, stand.env.PATH ?? '', counted)
  const alive = join(stand.root, 'alive')
  const program = `case $(cat ${place.marker}) in extra) rm -f ${alive}; exit 1 ;; esac; echo well > ${alive}; exec sleep 100000`
  stand.configure({
    services: {
      web: {
        run: ['sh', '-c', program],
        cwd: place.running,
        health: { file: alive, maxAge: '7d', every: '100ms', timeout: '100ms', startup: '20s' },
        stop: { timeout: '2s' },
        target: 'app',
      },
    },
    targets: { app: { kind, ...place.target, activationDeadline } },
    switch: { probation, passes: 2, deadMan: '90s', budget: { perHour: 1000, perDay: 1000 } },
  })
  const socket = join(stand.state, 'heald.sock')
  const ask = (verb: 'deploy' | 'rollback', body: object) =>
    request(socket, 'POST', `/v1/targets/app/${verb}`, body, { timeoutMs: 100_000 }) as ReturnType<
      SwitchControl['deploy']
    >
  const [one, two, three, bad] = place.paths
  const site: Site = {
    ...{ kind, stand, strike, one, two, three, bad, path: place.path, add: place.add },
    own: () => join(stand.state, 'switch', readdirSync(join(stand.state, 'switch'))[0] ?? assert.fail()),
    up: () => stand.up({ env: { ...place.env, ...strike.env }, timeoutMs: 60_000 }),
    known: async () => {
      const isKnown = ({ targets: [app] }: Status) => app?.state === 'idle' && app.knownGood !== null
      await stand.wait('what runs is known to be good', async () => isKnown(await site.status()))
    },
    status: () => request(socket, 'GET', '/v1/status', undefined, { timeoutMs: 20_000 }) as Promise<Status>,
    deploy: path => ask('deploy', { ref: path, force: true }),
    rollback: path => ask('rollback', { to: path }),
    pointers: () => place.pointers.map(pointer => realpathSync(pointer)),
    serviceIn() {
      try {
        // It may be running a program for a moment.
        const folders = new Set(stand.processes('web').map(pid => readlinkSync(`/proc/${pid}/cwd`)))
        const [folder, ...others] = folders
        return others.length > 0 ? null : (folder ?? null)
      } catch {
        // One of them has just ended.
        return null
      }
    },
    strays: place.strays,
    forget: place.forget,
    byHand: place.byHand,
  }
  return site
}

function releasesPlace(root: string): Place {
  const path = join(root, 'srv')
  const activate = `#!/bin/sh\necho "$HEALD_GENERATION" >> ${root}/activated\n`
  const release = (name: string, script = activate) => {
    const folder = join(path, 'releases', name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'version'), name)
    writeFileSync(join(folder, 'activate'), script, { mode: 0o755 })
    return folder
  }
  const paths = [release('one'), release('two'), release('three'), release('extra')] as const
  symlinkSync('releases/one', join(path, 'current'))
  return {
    target: { path, activate: ['./activate'] },
    ...{ running: join(path, 'current'), marker: 'version', env: {}, paths },
    counted: [path, join(root, 'activated')],
    path: name => join(path, 'releases', name),
    add: release,
    pointers: [join(path, 'current')],
    strays: () => readdirSync(path).filter(name => name !== 'current' && name !== 'releases'),
    forget: () => {},
    byHand: to => replaceLink(join(path, 'current'), to),
  }
}

function nixPlace(t: TestContext, kind: 'nix-profile' | 'nixos'): Place {
  const isSystem = kind === 'nixos'
  const { root, profile, folder, env, path, links, run } = nixStand(t, { systems: isSystem })
  const running = isSystem ? join(root, 'run/current-system') : profile
  const boot = isSystem ? [profile, join(root, 'boot-default')] : []
  const isGeneration = new RegExp(`^${isSystem ? 'system' : 'app'}(-\\d+-link)?$`)
  return {
    target: isSystem ? { profile, running } : { profile, activate: ['bin/activate'] },
    ...{ running, marker: isSystem ? 'nixos-version' : 'needed/content' },
    env: Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('NIX_'))),
    counted: [folder, join(root, 'var/nix/gcroots'), join(root, 'run'), join(root, 'boot-'), join(root, 'switches')],
    paths: [path('good-3'), path('good-2'), path('good-1'), path('extra')],
    path,
    add(name, script) {
      const made = join(root, name)
      mkdirSync(join(made, 'bin'), { recursive: true })
      writeFileSync(join(made, 'nixos-version'), name)
      writeFileSync(join(made, 'bin/switch-to-configuration'), script, { mode: 0o755 })
      return run('nix-store', '--add', made).trim()
    },
    pointers: [running, ...boot],
    strays: () => [
      ...links().filter(name => !isGeneration.test(name)),
      ...(isSystem ? readdirSync(join(root, 'run')).filter(name => !['nixos', 'current-system'].includes(name)) : []),
    ],
    forget(to) {
      for (const link of links().filter(name => name.endsWith('-link')))
        if (realpathSync(join(folder, link)) === to && readlinkSync(profile) !== link) rmSync(join(folder, link))
    },
    byHand(to) {
      run('nix-env', '--profile', profile, '--set', to)
      for (const action of isSystem ? ['test', 'boot'] : []) run(join(to, 'bin/switch-to-configuration'), action)
    },
  }
}

function replaceLink(link: string, to: string): void {
  symlinkSync(to, `${link}-by-hand`)
  renameSync(`${link}-by-hand`, link)
}
