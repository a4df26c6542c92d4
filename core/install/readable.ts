import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../fault.ts'

/** What of heald's own folder its programs read: of a package, or of a clone. */
const PARTS = ['package.json', 'heald.js', 'dist', 'core', 'bot', 'adapters', 'node_modules']
const CODE = /\.([cm]?js|ts|json|node)$/
const READ = 0o004
const PASS = 0o001

/**
 * A Fault where only root, or a group, may read Node or heald: the bot, and who tells of a heald that stays down, are other
 * users. So it is where root unpacks a package with a umask like 077.
 */
export function mustBeReadable(program: readonly [node: string, heald: string]): void {
  const shut = [...new Set(program.flatMap(foldersOver))].filter(folder => !may(folder, PASS))
  const commands = shut.length === 0 ? [] : [`chmod o+x ${shut.map(quoted).join(' ')}`]
  const [node, heald] = program
  if (!may(node, READ | PASS)) commands.push(`chmod o+rx ${quoted(node)}`)
  const trees = treesOf(dirname(heald)).filter(isShut)
  if (trees.length > 0) commands.push(`chmod -R o+rX ${trees.map(quoted).join(' ')}`)
  if (commands.length === 0) return
  throw new Fault('install.closed', 'only root can read heald or its Node, and the bot and the alarm are other users', {
    hint: `open them: ${commands.join(' && ')}`,
  })
}

/** Where heald's code is: its parts, or all packages where npm has put its dependencies beside it. */
function treesOf(folder: string): string[] {
  const around = dirname(folder)
  if (basename(around) === 'node_modules' && !existsSync(join(folder, 'node_modules'))) return [around]
  return PARTS.map(name => join(folder, name)).filter(path => existsSync(path))
}

/** Whether there is something in a tree that others can't read and that they would. */
function isShut(path: string): boolean {
  const found = lstatSync(path)
  if (found.isDirectory()) return !may(path, READ | PASS) || readdirSync(path).some(name => isShut(join(path, name)))
  return found.isFile() && CODE.test(path) && !may(path, READ)
}

function may(path: string, bits: number): boolean {
  return (statSync(path).mode & bits) === bits
}

function foldersOver(path: string): string[] {
  const folder = dirname(path)
  return folder === path ? [] : [...foldersOver(folder), folder]
}

/** For a shell; a program's path has no quotes in it. */
const quoted = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path}'`)
