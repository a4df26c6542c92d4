import { existsSync } from 'node:fs'

/** Where the unit keeps its socket and its state. */
const OF_UNIT = ['/run/heald/', '/var/lib/heald/']

const isUnitHere = () => existsSync('/etc/systemd/system/heald.service') && existsSync('/run/systemd/system')
const isOfUnit = (path: string) => OF_UNIT.some(folder => path.startsWith(folder))

/** The command that starts the heald whose `socket` this is: that of its unit, where heald is one on this host. */
export function howToStart(socket: string, hasUnit: boolean = isUnitHere()): string {
  return hasUnit && isOfUnit(socket) ? 'systemctl start heald' : 'heald up'
}

/** What who looks for a heald of his own is told where the host's is a unit, which root alone may ask; null: nothing. */
export function askRoot(
  socket: string,
  { isRoot, hasUnit }: { readonly isRoot: boolean; readonly hasUnit: boolean } = {
    isRoot: process.getuid?.() === 0,
    hasUnit: isUnitHere(),
  },
): string | null {
  if (isRoot || !hasUnit || isOfUnit(socket)) return null
  return 'the heald of this host is a unit, and asked as root: sudo heald …; one of your own is started with "heald up"'
}
