/** A unit as the module describes it. */
export interface Unit {
  readonly description: string
  readonly documentation: readonly string[]
  readonly wantedBy: readonly string[]
  readonly wants: readonly string[]
  readonly after: readonly string[]
  readonly before: readonly string[]
  readonly path: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly startLimitIntervalSec: number
  readonly stopIfChanged: boolean
  readonly reloadTriggers: readonly unknown[]
  readonly restartTriggers: readonly unknown[]
  readonly unitConfig: Readonly<Record<string, Value | readonly Value[]>>
  readonly serviceConfig: Readonly<Record<string, Value | readonly Value[]>>
}
type Value = string | number | boolean

/** The unit's file as NixOS writes it: a line for each value, lists as several. */
export function unitFile(unit: Unit, path = '/usr/bin:/bin'): string {
  const lines = (keys: Unit['serviceConfig']) =>
    Object.entries(keys).flatMap(([key, value]) => [value].flat().map(one => `${key}=${one}`))
  return [
    '[Unit]',
    ...lines({ Description: unit.description, Documentation: unit.documentation }),
    ...lines({ Wants: unit.wants, After: unit.after, Before: unit.before }),
    ...lines({ StartLimitIntervalSec: unit.startLimitIntervalSec, ...unit.unitConfig }),
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
