/** A unit as the module describes it. */
export interface Unit {
  readonly description: string
  readonly documentation: readonly string[]
  readonly wantedBy: readonly string[]
  readonly wants: readonly string[]
  readonly after: readonly string[]
  readonly before: readonly string[]
  readonly onFailure: readonly string[]
  readonly path: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly startLimitIntervalSec: number | null
  readonly stopIfChanged: boolean
  readonly restartIfChanged: boolean
  readonly reloadTriggers: readonly unknown[]
  readonly restartTriggers: readonly unknown[]
  readonly unitConfig: Settings
  readonly serviceConfig: Settings
}

/** A socket as the module describes it. */
export interface SocketUnit {
  readonly description: string
  readonly wantedBy: readonly string[]
  readonly socketConfig: Settings
}

type Value = string | number | boolean
type Settings = Readonly<Record<string, Value | readonly Value[]>>

/** A line for each value, lists as several. */
const lines = (keys: Settings) =>
  Object.entries(keys).flatMap(([key, value]) => [value].flat().map(one => `${key}=${one}`))

/** The socket's file as NixOS writes it. */
export function socketFile({ description, wantedBy, socketConfig }: SocketUnit): string {
  const install = lines({ WantedBy: wantedBy })
  return ['[Unit]', `Description=${description}`, '[Socket]', ...lines(socketConfig), '[Install]', ...install, ''].join(
    '\n',
  )
}

/** The unit's file as NixOS writes it. */
export function unitFile(unit: Unit, path = '/usr/bin:/bin'): string {
  return [
    '[Unit]',
    ...lines({ Description: unit.description, Documentation: unit.documentation }),
    ...lines({
      Wants: unit.wants,
      After: unit.after,
      Before: unit.before,
      OnFailure: unit.onFailure,
      ...unit.unitConfig,
    }),
    ...lines(unit.startLimitIntervalSec === null ? {} : { StartLimitIntervalSec: unit.startLimitIntervalSec }),
    '[Service]',
    ...lines({
      Environment: [`PATH=${path}`, ...Object.entries(unit.environment).map(([name, value]) => `${name}=${value}`)],
    }),
    ...lines(unit.serviceConfig),
    '[Install]',
    ...lines({ WantedBy: unit.wantedBy }),
    '',
  ].join('\n')
}
