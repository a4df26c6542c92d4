import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from './machine.ts'

/** The search path of a heald whose dead-man's minutes pass in a second, once that is turned on. */
export function quickSleep(machine: Machine): { readonly path: string; turn(isOn: boolean): void } {
  // The folder of the shell is the first in which a dead-man looks for its programs.
  const bin = join(machine.shared, 'bin')
  const flag = join(machine.shared, 'hurry')
  mkdirSync(bin)
  const program = (name: string, text: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${text} "$@"\n`, { mode: 0o755 })
  program('sh', 'exec /bin/sh')
  program('sleep', `[ "$1" != 1 ] || ! [ -e ${flag} ] || set -- 0.005\nexec /bin/sleep`)
  return {
    path: `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    turn(isOn) {
      if (isOn) writeFileSync(flag, '')
      else rmSync(flag, { force: true })
    },
  }
}
