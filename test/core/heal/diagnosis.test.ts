import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { diagnose, type Evidence } from '../../../core/heal/diagnosis.ts'
import type { Ended } from '../../../core/heal/host.ts'

const MIB = 1024 * 1024

function evidence(ended: Partial<Ended>, more: Partial<Evidence> = {}): Evidence {
  return {
    ended: { pid: 7, exit: 'code', oom: false, tail: '', ...ended },
    wantedStop: false,
    uptimeMs: 242_000,
    ...more,
  }
}
const code = (exitCode: number, more: Partial<Evidence> = {}) => evidence({ exit: 'code', exitCode }, more)
const signal = (name: NodeJS.Signals, more: Partial<Evidence> = {}) => evidence({ exit: 'signal', signal: name }, more)

const CASES: readonly (readonly [string, Evidence])[] = [
  ['killed by SIGKILL, sent from outside heald, after 4 m 2 s', signal('SIGKILL')],
  ['killed by SIGTERM, sent from outside heald, after 4 m 2 s', signal('SIGTERM')],
  ['crashed: segmentation fault (SIGSEGV), after 4 m 2 s', signal('SIGSEGV')],
  ['crashed: it aborted itself (SIGABRT), after 4 m 2 s', signal('SIGABRT')],
  ['ended by SIGPIPE after 4 m 2 s: it wrote to a pipe that nobody reads', signal('SIGPIPE')],
  [
    'ended by systemd after 4 m 2 s: db.service, which it is bound to (BindsTo), had fallen',
    evidence({ exit: 'signal', signal: 'SIGTERM', result: 'dependency', fellWith: 'db.service' }),
  ],
  ['exited with code 1 after 12 ms', code(1, { uptimeMs: 12 })],
  ['exited by itself with code 0 after 4 m 2 s, though it was to keep running', code(0)],
  ['exited with code 125 after 4 m 2 s: it asks to be left down', code(125)],
  ["exited with code 126 after 4 m 2 s: its command is there but can't be executed", code(126)],
  ['exited with code 127 after 4 m 2 s: its command was not found', code(127)],
  ['exited with code 139 after 4 m 2 s, which is how a shell says that its program was killed by SIGSEGV', code(139)],
  ['exited with code 255 after 4 m 2 s', code(255)],
  [
    'killed by the kernel: out of memory, 64 MiB limit, after 4 m 2 s',
    evidence({ exit: 'signal', signal: 'SIGKILL', oom: true }, { memoryLimitBytes: 64 * MIB }),
  ],
  [
    'killed by the kernel: the host was out of memory, after 4 m 2 s',
    signal('SIGKILL', { hostOom: true, memoryLimitBytes: 64 * MIB }),
  ],
  ['killed by the kernel: out of memory, after 4 m 2 s', evidence({ exit: 'unknown', oom: true })],
  [
    'exited with code 3 after 4 m 2 s; the kernel had killed one of its processes: out of memory, 64 MiB limit',
    evidence({ exitCode: 3, oom: true }, { memoryLimitBytes: 64 * MIB }),
  ],
  [
    'did not answer its health check 3 times in 1.5 s and was killed by heald',
    signal('SIGKILL', { killedBy: 'liveness', hang: { misses: 3, forMs: 1500 } }),
  ],
  [
    'did not answer its health check 3 times in 1.5 s (127.0.0.1:80 refused the connection) and was killed by heald',
    signal('SIGKILL', {
      killedBy: 'liveness',
      hang: { misses: 3, forMs: 1500, error: '127.0.0.1:80 refused the connection' },
    }),
  ],
  ['did not answer its health check and was killed by heald', signal('SIGKILL', { killedBy: 'liveness' })],
  [
    'was not ready within 30 s and was killed by heald; the kernel had killed one of its processes: out of memory',
    evidence({ exit: 'signal', signal: 'SIGKILL', oom: true }, { killedBy: 'startup', startup: { startupMs: 30_000 } }),
  ],
  [
    'did not stop within 5 s of SIGTERM and was killed by heald',
    signal('SIGKILL', { killedBy: 'stop timeout', wantedStop: true, stop: { signal: 'SIGTERM', timeoutMs: 5000 } }),
  ],
  ['stopped as asked after 4 m 2 s', signal('SIGTERM', { killedBy: 'operator', wantedStop: true })],
  ['stopped as asked after 4 m 2 s (exit code 0)', code(0, { wantedStop: true })],
  ['stopped as asked after 4 m 2 s (SIGTERM)', signal('SIGTERM', { wantedStop: true })],
  [
    'could not be started: /srv/x/run.sh does not exist',
    evidence({ exitCode: 127, launchError: '/srv/x/run.sh does not exist' }),
  ],
  ['ended while heald was away; exit code unknown', evidence({ exit: 'unknown' }, { away: true })],
  ['ended after 4 m 2 s; exit code unknown, since an earlier heald had started it', evidence({ exit: 'unknown' })],
  [
    'exited with code 1 after 4 m 2 s; it last wrote: Error: no space left',
    code(1, { lastLine: 'Error: no\tspace \u001b[31mleft\n' }),
  ],
]

for (const [words, given] of CASES) {
  test(words, () => {
    assert.equal(diagnose(given), words)
  })
}

test('any evidence gives one short line', () => {
  const anything = fc.record(
    {
      ended: fc.record(
        {
          pid: fc.nat(),
          exit: fc.constantFrom('code', 'signal', 'unknown'),
          exitCode: fc.integer({ min: 0, max: 255 }),
          signal: fc.constantFrom<NodeJS.Signals[]>('SIGKILL', 'SIGUSR1', 'SIGSYS', 'SIGXCPU'),
          oom: fc.boolean(),
          tail: fc.constant(''),
          launchError: fc.string({ unit: 'binary', maxLength: 500 }),
        },
        { requiredKeys: ['pid', 'exit', 'oom', 'tail'] },
      ),
      wantedStop: fc.boolean(),
      killedBy: fc.constantFrom('liveness', 'startup', 'operator', 'stop timeout'),
      uptimeMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
      memoryLimitBytes: fc.nat(),
      lastLine: fc.string({ unit: 'binary', maxLength: 1000 }),
      hostOom: fc.boolean(),
    },
    { requiredKeys: ['ended', 'wantedStop', 'uptimeMs'] },
  )
  fc.assert(
    fc.property(anything, given => {
      const words = diagnose(given as Evidence)
      assert(words.length > 0 && words.length < 600)
      assert.doesNotMatch(words, /[\u0000-\u001f\u007f]|undefined|NaN/)
    }),
  )
})
