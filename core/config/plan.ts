import { isDeepStrictEqual } from 'node:util'
import type { Changes } from '../api/control.ts'
import { Fault } from '../fault.ts'
import { BOT } from './bot-name.ts'
import type { HostConfig, ServiceSpec } from './spec.ts'

/** A Fault when `after` changes what is read only at a start. */
export function mustBeReloadable(before: HostConfig, after: HostConfig): void {
  const units = new Map(before.services.map(({ name, unit }) => [name, { unit }]))
  const other = after.services.find(({ name, unit }) => units.has(name) && units.get(name)?.unit !== unit)
  if (other !== undefined)
    throw new Fault(
      'config.restart',
      `the service ${other.name} is a command in one file and a unit in the other, or two units`,
      {
        hint: 'give it another name, or reload once without it and once with it',
      },
    )
  if (isDeepStrictEqual(before.ledger, after.ledger)) return
  throw new Fault('config.restart', 'the ledger settings differ, and they are read only when heald starts', {
    hint: 'end heald (services keep running) and start it again; or put the old settings back',
  })
}

/**
 * What applying `after` would do to the services that `before` described. Pure. Each name is in exactly one list:
 * new ones start, missing ones stop, or are let go of where they are units; where the command, environment, folder, user or
 * limits differ, a running process can't take the change, so it is `pending` (`restart` with `options.restart`, and for the
 * bot); everything else applies as it runs.
 * Lists keep the order of the files. `stale` names the services whose process is known to differ from `after`, whatever
 * configurations lie between; left out, the two configurations are compared.
 */
export function planReload(
  before: HostConfig,
  after: HostConfig,
  options: { readonly restart: boolean; readonly stale?: readonly string[] },
): Changes {
  const old = new Map(before.services.map(service => [service.name, service]))
  const names = new Set(after.services.map(service => service.name))
  const changed: string[] = []
  const start: string[] = []
  const keep: string[] = []
  for (const service of after.services) {
    const earlier = old.get(service.name)
    if (earlier === undefined) start.push(service.name)
    else if (options.stale?.includes(service.name) ?? needsRestart(earlier, service)) changed.push(service.name)
    else keep.push(service.name)
  }
  // Nobody's work is interrupted by another bot, and an old one would relay to channels that are no more.
  const isToRestart = (name: string) => options.restart || name === BOT
  const gone = before.services.filter(({ name }) => !names.has(name))
  return {
    start,
    stop: gone.filter(({ unit }) => unit === undefined).map(({ name }) => name),
    release: gone.filter(({ unit }) => unit !== undefined).map(({ name }) => name),
    restart: changed.filter(isToRestart),
    keep,
    pending: changed.filter(name => !isToRestart(name)),
  }
}

/** Whether a process started as `before` says has to be started again to be as `after` says. */
export function needsRestart(before: ServiceSpec, after: ServiceSpec): boolean {
  return !isDeepStrictEqual(launchOf(before), launchOf(after))
}

/** What is fixed once a process has started. */
function launchOf({ unit, run, env, cwd, user, limits }: ServiceSpec) {
  return { unit, run, env, cwd, user, limits }
}
