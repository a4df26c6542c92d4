import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { releasesTarget } from '../../../adapters/host/releases.ts'
import { has } from '../../core/ledger/stand.ts'
import { soak } from '../../journeys/stand.ts'
import { currentOf, folder, giveTo, MOVER, makeReleases, named, nobody, switchTo } from './releases-stand.ts'

/*
 * Each system call of a move fails in turn (EIO, ENOSPC), or is the last thing its process does; then the pointer is
 * looked at, and the next call finishes. One thread in the pool, so that the calls come in the same order every time;
 * the tracer comes when the program waits for its word, so that only the move's own calls are counted.
 */
const CHANGES = ['unlink', 'symlink', 'rename', 'fsync', 'symlinkat', 'renameat', 'renameat2', 'unlinkat']
const CALLS = [...CHANGES, 'openat', 'open', 'readlink', 'readlinkat', 'getdents64', 'statx']

interface Run {
  readonly said: string
  /** "NAME N" of the calls of the program itself, each thread for itself. */
  readonly places: readonly string[]
}

async function move(path: string, trace: string, user: string | null, ...inject: readonly string[]): Promise<Run> {
  const mover = spawn(process.execPath, [MOVER, path, '2', ...(user === null ? [] : [user])], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  })
  const closed = once(mover, 'close')
  let said = ''
  const ready = Promise.withResolvers<void>()
  mover.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    ready.resolve()
  })
  await ready.promise
  const threads = new Set(readdirSync(`/proc/${mover.pid}/task`))
  // These names are those of one kind of processor each; a question mark lets strace pass over what is not there.
  const calls = CALLS.map(name => `?${name}`).join(',')
  const args = ['-f', '-p', String(mover.pid), '-o', trace, '-e', `trace=${calls}`, ...inject]
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const left = once(strace, 'exit')
  await once(strace.stderr, 'data')
  strace.stderr.resume()
  mover.stdin.on('error', () => {})
  mover.stdin.write('\n')
  await closed
  await left
  const counts = new Map<string, number>()
  const places = new Set<string>()
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    const [, thread = '', name = ''] = /^(\d+) +([a-z0-9]+)\(/.exec(line) ?? []
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1
    counts.set(`${thread} ${name}`, nth)
    if (threads.has(thread) && name !== '') places.add(`${name} ${nth}`)
  }
  return { said: said.replace('ready\n', '').trim(), places: [...places] }
}

for (const user of [null, 'nobody'] as const) {
  test(`each call of a move fails or is the last, in a folder of ${user ?? 'our own'}`, async t => {
    if (!has('strace')) return t.skip('needs strace')
    if (user !== null && process.getuid?.() !== 0) return t.skip('needs root')
    const base = folder(t)
    const owner = user === null ? null : await nobody()
    const make = (name: string): string => {
      const path = makeReleases(join(base, name))
      if (owner !== null) giveTo(owner, path, ...['releases', 'releases/1', 'releases/2'].map(part => join(path, part)))
      return path
    }
    const model = await move(make('model'), join(base, 'trace'), user)
    assert.equal(model.said, 'done 2')
    const isChange = (place: string) => CHANGES.includes(place.split(' ')[0] ?? '')
    const changes = model.places.filter(isChange)
    for (const name of ['unlink', 'symlink', 'rename', 'fsync'])
      assert.ok(
        changes.some(place => place.startsWith(name)),
        `a move calls ${name}: ${model.places.join(', ')}`,
      )
    const faults = ['signal=SIGKILL', 'error=EIO', 'error=ENOSPC']
    const every = model.places.flatMap(place => faults.map(fault => ({ place, fault })))
    // Everyday runs take every other one for each owner, so that both together have all.
    const step = soak(2, 1)
    const cases = every.filter((_, index) => index % step === (user === null ? 0 : step - 1))
    const outcomes: Record<string, number> = {}
    let next = 0
    const work = async (): Promise<void> => {
      for (let index = next++; index < cases.length; index = next++) {
        const { place, fault } = cases[index] ?? assert.fail()
        const [name, nth] = place.split(' ')
        const what = `${place} ${fault}`
        const path = make(`app-${index}`)
        const trace = join(base, `trace-${index}`)
        const { said } = await move(path, trace, user, '-e', `inject=${name}:${fault}:when=${nth}`)
        const [how = '', code = ''] = said.split(' ')
        outcomes[how || 'killed'] = (outcomes[how || 'killed'] ?? 0) + 1
        assert.match(said, /^(|done 2|fault target\.[a-z]+ .*)$/, what)
        assert.ok(how !== '' || fault.startsWith('signal'), `${what}: it says how it went`)
        // The program `sync` makes the same calls: a kill may have struck that one.
        if (fault.startsWith('signal') && how === 'fault') assert.equal(code, 'target.flush', what)
        assert.match(currentOf(path), how === 'done' ? /^releases\/2$/ : /^releases\/[12]$/, what)
        assert.ok(existsSync(join(path, 'current/version')), `${what}: it leads to something`)
        if (how === 'fault' && name !== 'unlink')
          assert.ok(!existsSync(join(path, '.current.heald-new')), `${what}: nothing half done`)
        const target = releasesTarget({ name: 'app', path, owner })
        assert.equal(named((await target.look()).running), currentOf(path).slice(-1), what)
        assert.equal((await switchTo(target, '2')).verdict, 'done', what)
        assert.equal(currentOf(path), 'releases/2', what)
        assert.deepEqual(readdirSync(path).toSorted(), ['current', 'releases'], what)
      }
    }
    await Promise.all([work(), work()])
    t.diagnostic(`${cases.length} faults: ${JSON.stringify(outcomes)}`)
    const least = Math.floor((changes.length * cases.length) / every.length)
    assert.ok((outcomes.killed ?? 0) >= least && (outcomes.fault ?? 0) >= least)
  })
}
