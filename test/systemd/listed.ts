import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from './machine.ts'

const FOLDERS = [
  ...['etc', 'etc/systemd/system', 'var/lib', 'run', 'run/systemd/system', 'run/systemd/transient'],
  ...['multi-user', 'sysinit', 'sockets'].map(target => `etc/systemd/system/${target}.target.wants`),
]
/** Not of heald: systemd's own bookkeeping. */
const BOOKKEEPING = /\/(passwd|group|g?shadow|subuid|subgid|\.pwd\.lock|\.updated|machine-id)-?$|credentials$/

/** What is where heald puts something, to see what it leaves. */
export function listed(machine: Machine): string[] {
  return FOLDERS.filter(folder => existsSync(join(machine.root(), folder)))
    .flatMap(folder => readdirSync(join(machine.root(), folder)).map(name => `${folder}/${name}`))
    .filter(path => !BOOKKEEPING.test(path))
    .sort()
}
