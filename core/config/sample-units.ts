import { isUsableName } from './names.ts'
import { SAMPLE } from './sample.ts'
import { serviceNameOf } from './unit-services.ts'

/** More than these nobody reads through. */
const MOST = 20
const NEXT = '\n# What services run from'

/** The sample, with the units of this host offered among its services. */
export function sampleWith(units: readonly { readonly unit: string; readonly hasFailed: boolean }[]): string {
  const lines = units.slice(0, MOST).flatMap(({ unit, hasFailed }) => {
    const name = serviceNameOf(unit)
    return isUsableName(name) ? [`  # ${name}: { unit: ${unit} }${hasFailed ? '    # it has failed' : ''}\n`] : []
  })
  if (lines.length === 0) return SAMPLE
  const more = units.length > MOST ? `  # and ${units.length - MOST} more: systemctl list-units --type=service\n` : ''
  const head = `
  # Services of systemd on this host. Without the # in front, heald looks after them: systemd runs them as before.
`
  return SAMPLE.replace(NEXT, () => `${head}${lines.join('')}${more}${NEXT}`)
}
