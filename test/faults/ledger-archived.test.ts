import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { type Sealed, sealedSegments } from '../../core/ledger/prune-plan.ts'
import { manySegments } from '../core/ledger/many-segments.ts'
import { has } from '../core/ledger/stand.ts'
import { faultsAt, folder, mustCall, ROOT, spreadOver, tracedCalls } from './ledger-stand.ts'

/*
 * The writing of an archive is killed in each system call by which it reaches the disk, or the call fails (EIO, ENOSPC).
 * Whatever has its name in the archive is whole then; it was answered only when all is there; and the next try ends it.
 */
const INJECTIONS = Number(process.env.HEALD_SOAK_ARCHIVE_INJECTIONS ?? 12)
const CALLS = ['openat', 'read', 'pread64', 'write', 'pwrite64', 'fdatasync', 'fsync', 'link', 'unlink']

function strace(to: string, names: readonly string[], trace: string, ...more: string[]): string[] {
  const head = ['env', 'UV_THREADPOOL_SIZE=1', 'strace', '-f', '-y', '-qq', '-o', trace]
  const only = ['', ...names].flatMap(name => ['-P', join(to, name)])
  return [...head, ...only, '-e', `trace=${CALLS.join(',')}`, ...more]
}

async function archive(dir: string, to: string, before: readonly string[]): Promise<string> {
  const [command = '', ...args] = [...before, process.execPath, join(ROOT, 'test/fixtures/archives.ts'), dir, to]
  if (before.length > 0) args.push('fixed')
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000, killSignal: 'SIGKILL' })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(child, 'close')
  return said
}

/** Names of the segments in an archive, each compared with the ledger's. */
function wholeIn(to: string, sealed: readonly Sealed[], what: string): string[] {
  const names = existsSync(to) ? readdirSync(to) : []
  return names.filter(name => {
    if (!name.endsWith('.zst')) return false
    const segment = sealed.find(({ file }) => name === `${file.name}.jsonl.zst`) ?? assert.fail(`${what}: ${name}`)
    const is = readFileSync(segment.file.path).subarray(0, segment.validBytes)
    assert.ok(is.equals(zstdDecompressSync(readFileSync(join(to, name)))), `${what}: ${name} is not whole`)
    return true
  })
}

test('the writing of an archive, struck in each call to the disk, leaves whole segments or none', async t => {
  if (!has('strace')) return t.skip('needs strace')
  const dir = await manySegments(t, 3)
  const sealed = sealedSegments(dir)
  const base = folder(t)
  const to = join(base, 'archive')
  assert.equal(await archive(dir, to, []), 'archived\n')
  const made = new Map(readdirSync(to).map(name => [name, readFileSync(join(to, name), 'latin1')]))
  const names = [...made.keys()].flatMap(name => [name, `${name}.000000000000.tmp`])
  const trace = join(base, 'trace')
  rmSync(to, { recursive: true })
  assert.equal(await archive(dir, to, strace(to, names, trace)), 'archived\n')
  const places = tracedCalls(trace, to)
  mustCall(places, ['openat', 'write', 'fsync', 'link', 'unlink'])
  const chosen = spreadOver(faultsAt(places), INJECTIONS)
  let struck = 0
  for (const [index, { name, nth, about, fault }] of chosen.entries()) {
    const what = `${name} #${nth} ${fault} (${about})`
    rmSync(to, { recursive: true, force: true })
    const own = `${trace}-${index}`
    const said = await archive(dir, to, strace(to, names, own, '-e', `inject=${name}:${fault}:when=${nth}`))
    struck += /INJECTED|SIGKILL/.test(readFileSync(own, 'utf8')) ? 1 : 0
    const whole = wholeIn(to, sealed, what)
    if (said === 'archived\n') assert.equal(whole.length, sealed.length, `${what}: it was answered`)
    assert.equal(await archive(dir, to, []), 'archived\n', `${what}, once more`)
    for (const [file, bytes] of made) assert.equal(readFileSync(join(to, file), 'latin1'), bytes, `${what}: ${file}`)
  }
  assert.ok(struck * 5 >= chosen.length * 4, `only ${struck} of ${chosen.length} struck`)
  t.diagnostic(`${chosen.length} faults over ${places.length} calls, ${struck} struck`)
})
