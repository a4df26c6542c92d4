import { spawnSync } from 'node:child_process'
import { chmodSync, globSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { subcommands } from '../../core/cli/commands.ts'
import { manPage } from '../../core/cli/man-page.ts'
import { version } from '../../core/cli/version.ts'

// Makes dist/, which only a package has: `npm pack` runs this, and so does the package of Nix.
//
// 1. The TypeScript becomes JavaScript, file by file, with imports that end in .js. It is not checked (`npm run types`
//    does), so that what is optional may be missing.
// 2. What programs import (heald/verifier) gets its types beside it.
// 3. The manual page is written from the table of subcommands.
// 4. Everybody may read what is packed, whatever the umask here: the bot's unit is another user than who unpacks it.

const ROOT = resolve(import.meta.dirname, '../..')
const DIST = join(ROOT, 'dist')

// Also while it is made: a heald that runs from this folder may be looked at.
process.umask(0o022)
rmSync(DIST, { recursive: true, force: true })
for (const config of ['tsconfig.json', 'tsconfig.types.json']) compile(join(import.meta.dirname, config))
const unread = () => Promise.reject(new Error('only the table is read'))
const table = subcommands({ up: unread, bot: unread, whatsapp: unread, fakes: unread, doctor: unread, init: unread })
writeFileSync(join(DIST, 'heald.1'), manPage(table, version()))
for (const path of globSync(['heald.js', 'package.json', 'LICENSE', '*.md', 'docs/*.md', 'dist', 'dist/**'], {
  cwd: ROOT,
})) {
  const isRun = path === 'heald.js' || statSync(join(ROOT, path)).isDirectory()
  chmodSync(join(ROOT, path), isRun ? 0o755 : 0o644)
}

function compile(config: string): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', config], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
