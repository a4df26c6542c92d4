import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bootId } from '../../../core/clock.ts'
import { hasWriter, takeLock } from '../../../core/ledger/lock.ts'
import { folder } from './stand.ts'

const OTHER_BOOT = '11111111-2222-3333-4444-555555555555'

/** What a writer leaves beside its lock while it runs. */
async function noteOf(t: TestContext, dir: string): Promise<string> {
  const lock = await takeLock(dir)
  t.after(() => lock.release())
  assert.equal(hasWriter(dir), true)
  return readFileSync(join(dir, 'lock.pid'), 'utf8')
}

test('a process is taken for the writer only in the boot that the writer ran in, and as the process that it was', async t => {
  const dir = folder(t)
  const [pid, boot, started] = (await noteOf(t, dir)).split('\n')
  assert.deepEqual([pid, boot], [String(process.pid), bootId()])
  assert.match(started ?? '', /^\d+$/)
  const isWriter = (note: string): boolean => {
    writeFileSync(join(dir, 'lock.pid'), note)
    return hasWriter(dir)
  }
  assert.equal(isWriter(`${pid}\n${boot}\n${started}\n`), true)
  assert.equal(isWriter(`${pid}\n${OTHER_BOOT}\n${started}\n`), false, 'after a reboot')
  assert.equal(
    isWriter(`${pid}\n${boot}\n${Number(started) - 1}\n`),
    false,
    'after its number was given to another one',
  )
  assert.equal(isWriter(`${pid}\n${boot}\n\n`), true, 'where no start time could be had')
  assert.equal(isWriter(`${pid}\n`), true, 'as older versions have written it')
  for (const forged of ['', '\n', 'x\n', '-1\n', '0\n', '1.5\n', `${pid} ${pid}\n`])
    assert.equal(isWriter(forged), false)
})

test('a writer that is dead, though nobody has waited for it yet, is none', async t => {
  const dir = folder(t)
  const script = 'sleep 1000 & echo $!; exec sleep 1000'
  const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => parent.kill('SIGKILL'))
  const [said] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(said)
  writeFileSync(join(dir, 'lock.pid'), `${pid}\n`)
  assert.equal(hasWriter(dir), true)
  process.kill(pid, 'SIGKILL')
  const endMs = performance.now() + 20_000
  const stat = (): string => readFileSync(`/proc/${pid}/stat`, 'latin1')
  while (!/\) Z /.test(stat()) && performance.now() < endMs) await new Promise(resolve => setTimeout(resolve, 5))
  assert.match(stat(), /\) Z /)
  assert.equal(hasWriter(dir), false)
})

test('who is refused the lock is told of no process that is not the holder', async t => {
  const dir = folder(t)
  const note = await noteOf(t, dir)
  // In a process of its own: within one the system gives the lock twice.
  const program = `import { takeLock } from ${JSON.stringify(join(import.meta.dirname, '../../../core/ledger/lock.ts'))}
    await takeLock(process.argv[1]).catch(error => console.log(error.code, error.message, error.hint))`
  const refused = async (): Promise<string> => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', chunk => {
        text += chunk
      })
    await once(child, 'close')
    return text
  }
  assert.match(await refused(), new RegExp(`^ledger.locked .* by process ${process.pid} .*kill ${process.pid}`))
  writeFileSync(join(dir, 'lock.pid'), note.replace(bootId(), OTHER_BOOT))
  const said = await refused()
  assert.match(said, /^ledger.locked .* by another process if .*\n$/)
  assert.doesNotMatch(said, /kill/)
  // The holder has not written it yet: no warning of that either.
  unlinkSync(join(dir, 'lock.pid'))
  assert.equal(await refused(), said)
})
