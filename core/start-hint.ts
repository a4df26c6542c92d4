import { existsSync } from 'node:fs'

/** Where the unit keeps its socket and its state. */
const OF_UNIT = ['/run/heald/', '/var/lib/heald/']

/** The command that starts the heald whose `socket` this is: that of its unit, where heald is one on this host. */
export function howToStart(socket: string, unit = '/etc/systemd/system/heald.service'): string {
  const isOfUnit = OF_UNIT.some(folder => socket.startsWith(folder)) && existsSync(unit)
  return isOfUnit && existsSync('/run/systemd/system') ? 'systemctl start heald' : 'heald up'
}
