import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import { hostFacts } from '../../core/config/facts.ts'
import type { Entry } from '../../core/entry.ts'
import { nixIsMissing } from '../adapters/host/nix-stand.ts'
import { killQuietly } from './leftovers.ts'
import { makeStand, ROOT, type Stand } from './stand.ts'

const TWO_MINUTES = 120_000
const RECEIPT = /#\d+·[a-z2-7]{26}/

/** A visitor's stand: the tour's folder, and what may not be left of it. */
async function visit(t: TestContext) {
  let clean = async () => {}
  // Before the stand's own, which removes the folder that commands run in.
  t.after(() => clean())
  const stand = await makeStand(t)
  const dir = join(stand.state, 'tour')
  const groupName = `heald-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}`
  const groups = async () =>
    (await stand.run(['find', '/sys/fs/cgroup', '-depth', '-path', `*/${groupName}*`, '-type', 'd'])).stdout
      .split('\n')
      .filter(Boolean)
  clean = async () => {
    for (const pid of agents(dir)) killQuietly(pid)
    for (const folder of await groups()) await stand.run(['rmdir', folder])
  }
  return {
    ...stand,
    dir,
    /** All that a tour may leave running on the host. */
    async leftRunning() {
      const sockets = readdirSync(dir).filter(name => name.endsWith('.sock'))
      return [...agents(dir).map(pid => `process ${pid}`), ...(await groups()), ...sockets]
    },
    entriesOfTour: () =>
      readFileSync(join(dir, 'ledger/seg/000000000000.jsonl'), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line) as Entry),
  }
}

/** Processes that live in the tour's folder, and dead-men that would act there. */
function agents(dir: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        const cwd = `${readlinkSync(`/proc/${pid}/cwd`)}/`
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return cwd.startsWith(`${dir}/`) || (words.includes('heald-deadman') && words.includes(dir))
      } catch {
        return false
      }
    })
    .map(Number)
}

/** `heald up` in a folder without a configuration, as a visitor starts it; `said` is what it printed so far. */
function startTour(stand: Stand, ...words: string[]) {
  const child = stand.start(stand.heald('up', ...words))
  let text = ''
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const until = (what: RegExp) =>
    stand.wait(
      `the tour says ${what}`,
      () => {
        assert.equal(child.exitCode, null, text)
        return what.exec(text)
      },
      60_000,
    )
  return { child, ended, until, said: () => text }
}

// A tour waits most of its time, so several go at once.
describe('the tour', { concurrency: 3 }, () => {
  test('the show: all is seen, healed and recorded, and what README says about checking it is true', {
    timeout: TWO_MINUTES,
  }, async t => {
    const stand = await visit(t)
    const { code, stdout, stderr } = await stand.run(stand.heald('up', '--once'), { timeoutMs: 90_000 })
    const shown = stdout + stderr
    assert.equal(code, 0, shown)
    assert.doesNotMatch(shown, /[✗\x1b]|undefined|NaN|unknown/, shown)
    assert.ok(
      stdout.split('\n').every(line => line.length <= 100),
      'at most 100 columns',
    )

    const { canLimit } = hostFacts()
    if (canLimit.memory) assert.match(stdout, /out of memory, 128 MiB limit/, shown)
    else assert.match(stdout, /– without a memory limit there is nothing to show: .+/, shown)
    const hasNix = nixIsMissing() === null
    if (hasNix)
      assert.match(
        stdout,
        /rolled back to generation 1, which answers .*[\s\S]* compared {2}agent-2 with generation 1: agent: 1 → 2\n/,
        shown,
      )
    const recorded = 4 + (canLimit.memory ? 1 : 0) + (hasNix ? 1 : 0)
    assert.equal(stdout.match(/recorded {2}entries #\d+ to #\d+, receipt/g)?.length, recorded, shown)
    for (const words of [
      /killed by SIGKILL/,
      /a new process [\d.]+ m?s after the kill, answering after [\d.]+ m?s/,
      /noticed {3}after \d+ m?s/,
      /crash loop: 3 failures/,
      /settings\.json is broken/,
      /critical/,
      /✓ rolled back to r1, which answers [\d.]+ m?s after the first death; r2 is quarantined/,
      /compared {2}r2 with r1: changed: agent\.mjs; only in r1: settings\.json/,
      /deploying r2 once more is refused/,
      /✓ committed after [\d.]+ m?s; web answers: hello from r3/,
      RECEIPT,
      /npx heald init .*heald\.yaml/,
    ]) {
      assert.match(stdout, words, shown)
    }
    assert.deepEqual(await stand.leftRunning(), [])

    const entries = stand.entriesOfTour()
    const receipt = /receipt #(\d+)·/.exec(stdout)
    assert.equal(entries[Number(receipt?.[1])]?.kind, 'incident.resolved')
    assert.equal(entries.at(-1)?.kind, 'daemon.stopped')
    const opened = entries.filter(({ kind }) => kind === 'incident.opened').length
    assert.equal(entries.filter(({ kind }) => kind === 'incident.resolved').length, opened)

    // The two lines of shell that the tour ran, and those of README.md, run again: both print the same hash.
    const ran = [...stdout.matchAll(/^ +(sed .*?) {2}#.*\n +([0-9a-f]{64})/gm)]
    assert.equal(ran.length, 2, shown)
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    const shell = /```sh\n(cd .*)\n(sed .*)\n(sed .*)\n```/.exec(readme)
    assert.ok(shell, 'README.md shows the two lines')
    const [, cd = '', ...lines] = shell
    assert.equal(cd, 'cd /var/lib/heald/tour/ledger/seg')
    for (const [command, seq] of [
      ...ran.map(([, line = '']) => [line, Number(/sed -n (\d+)p/.exec(line)?.[1]) - 1] as const),
      ...lines.map(line => [line, 6] as const),
    ]) {
      const { stdout: printed } = await stand.run(['sh', '-c', `cd ${join(stand.dir, 'ledger/seg')} && ${command}`])
      assert.equal(printed.slice(0, 64), entries[seq]?.h, command)
    }

    // The eight lines of Python: they find the chain good, and name the entry that was changed.
    const python = /```python\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    assert.equal(python.trimEnd().split('\n').length, 8)
    const segment = join(stand.dir, 'ledger/seg/000000000000.jsonl')
    const check = () => stand.run(['python3', '-c', python, segment])
    if ((await stand.run(['sh', '-c', 'command -v python3'])).code !== 0) return t.skip('needs python3')
    const good = await check()
    assert.deepEqual(
      [good.code, good.stdout],
      [0, `${entries.length} entries, one unbroken chain, head ${entries.at(-1)?.h}\n`],
      good.stderr,
    )
    const bytes = readFileSync(segment, 'utf8')
    const forged = bytes.split('\n').map((line, seq) => (seq === 6 ? line.replace('SIGKILL', 'SIGTERM') : line))
    writeFileSync(segment, forged.join('\n'))
    const bad = await check()
    assert.equal(bad.code, 1)
    assert.match(bad.stderr, /entry 6 is bad/)
  })

  test('the visitor stays: harm is healed and shown, a second tour is refused, Ctrl-C leaves nothing', {
    timeout: TWO_MINUTES,
  }, async t => {
    const stand = await visit(t)
    const tour = startTour(stand)
    await tour.until(/Ctrl-C ends the tour/)
    const [, pid] = await tour.until(/^ +kill -9 (\d+)$/m)
    const [, url] = await tour.until(/curl -X POST (http:\S+)\/hang/)
    assert.deepEqual(agents(stand.dir).includes(Number(pid)), true)

    const second = await stand.run(stand.heald('up', '--once'))
    assert.equal(second.code, 3)
    assert.match(second.stderr, /another tour is under way/)
    assert.match(second.stderr, new RegExp(`process ${tour.child.pid}\\b`))

    const before = tour.said().length
    process.kill(Number(pid), 'SIGKILL')
    await tour.until(new RegExp(`[\\s\\S]{${before}}[\\s\\S]*✗ .*SIGKILL[\\s\\S]*✓ [\\s\\S]*${RECEIPT.source}`))
    const { stdout } = await stand.run(
      stand.heald('status', '--json').map(word => (word === stand.state ? stand.dir : word)),
    )
    const [service] = (JSON.parse(stdout) as Status).services
    assert.deepEqual([service?.name, service?.state], ['agent', 'ready'])

    const answer = await fetch(`${url}/crash`, { method: 'POST' })
    await answer.text()
    await tour.until(/exited with code 1[\s\S]*exited with code 1[\s\S]*✓ /)

    // npm hands Ctrl-C on a moment after the terminal has: still one end, and an orderly one.
    tour.child.kill('SIGINT')
    setTimeout(() => tour.child.kill('SIGINT'), 10)
    assert.equal(await tour.ended, 0, tour.said())
    assert.match(tour.said(), /The agent is stopped/)
    assert.deepEqual(await stand.leftRunning(), [])
  })

  test('a tour that was killed leaves its services; the next visit ends them and shows all anew, as JSON on demand', {
    timeout: TWO_MINUTES,
  }, async t => {
    const stand = await visit(t)
    const tour = startTour(stand)
    await tour.until(/r3 is deployed/)
    await stand.wait('r3 runs on probation', () => {
      const entries = stand.entriesOfTour()
      const probations = entries.filter(({ kind }) => kind === 'switch.probation')
      return probations.length === 3 && entries.at(-1)?.kind === 'service.ready'
    })
    tour.child.kill('SIGKILL')
    await tour.ended
    const left = agents(stand.dir)
    assert.ok(left.length >= 3, 'agent, web and a dead-man are left')
    const { code, stdout, stderr } = await stand.run(stand.heald('up', '--once', '--json'), { timeoutMs: 90_000 })
    assert.equal(code, 0, stdout + stderr)
    const entries = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Entry)
    assert.ok(entries.every(({ seq, h }) => Number.isSafeInteger(seq) && /^[0-9a-f]{64}$/.test(h)))
    const started = entries.find(({ kind }) => kind === 'daemon.started')
    assert.deepEqual(started?.data.adopted, [], 'it begins with an agent of its own')
    assert.ok(entries.some(({ kind }) => kind === 'crashloop.detected'))
    assert.ok(!agents(stand.dir).some(pid => left.includes(pid)))
    assert.deepEqual(await stand.leftRunning(), [])
  })

  test('a scene that does not come to its end: exit code 1, the rest is shown, nothing is left', {
    timeout: TWO_MINUTES,
  }, async t => {
    const stand = await visit(t)
    // A host without sha256sum, and without Nix.
    const bin = join(stand.root, 'bin')
    mkdirSync(bin)
    const names = ['sh', 'mkfifo', 'sed', 'head', 'tail', 'getent', 'setpriv', 'diff']
    for (const name of [...names, ...'cat env flock ln mv readlink rm setsid sleep sync timeout tr'.split(' ')]) {
      const { stdout } = await stand.run(['sh', '-c', `command -v ${name} || true`])
      if (stdout.trim() !== '') symlinkSync(stdout.trim(), join(bin, name))
    }
    const { code, stdout, stderr } = await stand.run(stand.heald('up', '--once'), {
      env: { PATH: bin },
      timeoutMs: 90_000,
    })
    assert.equal(code, 1, stdout + stderr)
    assert.match(stdout, /✗ .*sha256sum/)
    assert.match(stdout, /– there is nothing to show: Nix is not there/)
    assert.equal(stdout.match(/✗/g)?.length, 1, stdout)
    assert.match(stdout, /Your own services/)
    assert.deepEqual(await stand.leftRunning(), [])
  })

  test('Ctrl-C in the middle of the show, and a closed terminal: nothing is left', {
    timeout: TWO_MINUTES,
  }, async t => {
    const stand = await visit(t)
    const inTheMiddle = [
      ['SIGINT', ['--once'], 130, /It hangs[\s\S]*told to stop answering/],
      ['SIGHUP', [], 0, /r2 is deployed/],
      ['SIGINT', ['--once'], 130, /r3 is deployed/],
    ] as const
    for (const [signal, words, expected, moment] of inTheMiddle) {
      const tour = startTour(stand, ...words)
      await tour.until(moment)
      tour.child.kill(signal)
      assert.equal(await tour.ended, expected, tour.said())
      assert.deepEqual(await stand.leftRunning(), [])
    }
  })
})
