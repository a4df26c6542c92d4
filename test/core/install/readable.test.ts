import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '../../../core/fault.ts'
import { mustBeReadable } from '../../../core/install/readable.ts'
import { freshFolder } from '../config/folder.ts'

// Folders are made as they are for others to read, whatever the umask of who tests.
process.umask(0o022)

function write(path: string, mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '')
  chmodSync(path, mode)
  return path
}

test('what only root can read is told with the commands that open it, and they do', t => {
  const folder = freshFolder(t)
  const modules = join(folder, 'opt', 'it is', 'node_modules')
  const node = write(join(folder, 'bin/node'), 0o755)
  const heald = write(join(modules, 'heald/heald.js'))
  const sdk = write(join(modules, 'grammy/out/mod.js'))
  write(join(modules, 'grammy/.secret'), 0o600)
  symlinkSync('nowhere', join(modules, 'grammy/link.js'))
  const hint = () => {
    try {
      mustBeReadable([node, heald])
      return null
    } catch (error) {
      return error instanceof Fault ? (error.hint ?? '').replace('open them: ', '') : assert.fail(String(error))
    }
  }
  const mended = (shut: () => void, words: string) => {
    chmodSync(folder, 0o755)
    assert.equal(hint(), null)
    shut()
    assert.equal(hint()?.replaceAll(folder, ''), words)
    execFileSync('sh', ['-c', hint() ?? ''])
    assert.equal(hint(), null, words)
  }
  mended(() => chmodSync(folder, 0o700), 'chmod o+x ')
  mended(() => chmodSync(node, 0o750), 'chmod o+rx /bin/node')
  mended(() => chmodSync(sdk, 0o640), "chmod -R o+rX '/opt/it is/node_modules'")
  mended(() => {
    for (const each of [join(folder, 'opt'), dirname(heald)]) chmodSync(each, 0o700)
  }, "chmod o+x /opt '/opt/it is/node_modules/heald' && chmod -R o+rX '/opt/it is/node_modules'")
})

test('of a clone, and of a package with its dependencies inside, only what runs is looked at', t => {
  const folder = freshFolder(t)
  chmodSync(folder, 0o755)
  const node = write(join(folder, 'node'), 0o755)
  const heald = write(join(folder, 'node_modules/heald/heald.js'))
  write(join(folder, 'node_modules/other/index.js'), 0o600)
  write(join(folder, 'node_modules/heald/.git/notes.js'), 0o600)
  const own = write(join(folder, 'node_modules/heald/node_modules/grammy/mod.js'))
  mustBeReadable([node, heald])
  chmodSync(own, 0o600)
  assert.throws(() => mustBeReadable([node, heald]), { code: 'install.closed' })
})
