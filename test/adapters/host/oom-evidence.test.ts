import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { remains } from '../../../adapters/host/instance.ts'
import type { KernelLog, OomVictim } from '../../../adapters/host/kernel-log.ts'
import { evidenceOf } from '../../../adapters/host/unit-evidence.ts'
import { NO_UNIT, viewWith } from '../../../adapters/host/unit-view.ts'

// What tells of a kill for lack of memory where control groups v2 own the memory: for a unit systemd's `Result`, for a
// process of heald's own `memory.events` of its group, both beside the kernel's log. (With a kernel that really kills:
// test/systemd/unit-oom.test.ts, instance.test.ts.)

const log = (victim: OomVictim): KernelLog => ({ whatWasKilled: () => victim, close: () => {} })
const [KILLED, EXITED] = [2, 1]
const PID = 812

/** `memory.events` as Linux 6.1 has it. */
const events = (oom: number, oomKill: number, groupKill = 0) =>
  `low 0\nhigh 0\nmax 3127\noom ${oom}\noom_kill ${oomKill}\noom_group_kill ${groupKill}\n`

for (const [what, properties, isOom] of [
  ['the main process', { Result: 'oom-kill', ExecMainCode: KILLED, ExecMainStatus: 9 }, true],
  ['a child, and systemd has stopped the rest', { Result: 'oom-kill', ExecMainCode: KILLED, ExecMainStatus: 15 }, true],
  ['a child, and the main process gave up', { Result: 'oom-kill', ExecMainCode: EXITED, ExecMainStatus: 1 }, true],
  ['nobody: a kill -9', { Result: 'signal', ExecMainCode: KILLED, ExecMainStatus: 9 }, false],
  ['nobody: a watchdog', { Result: 'watchdog', ExecMainCode: KILLED, ExecMainStatus: 9 }, false],
] as const) {
  test(`of a unit the kernel has killed ${what}`, () => {
    const view = viewWith(NO_UNIT, properties)
    for (const victim of ['nothing', 'unknown'] as const) {
      const { oom, result } = evidenceOf(PID, view, log(victim))
      assert.deepEqual([oom, result], [isOom, properties.Result])
    }
  })
}

for (const [what, text, isOom] of [
  ['one was killed', events(1, 1), true],
  ['all were killed at once (memory.oom.group)', events(1, 4, 1), true],
  ['an allocation failed, and nobody was killed', events(2, 0), false],
  ['the group is full', events(0, 0), false],
] as const) {
  test(`of heald's own process, by its group's memory.events: ${what}`, t => {
    const oom = (victim: OomVictim) => remains(instanceIn(t, text), '/nowhere', log(victim), true).oom
    // The kernel's log is often not to be read. Where it is, it has the last word.
    assert.equal(oom('unknown'), isOom)
    assert.equal(oom('relative'), isOom)
    assert.equal(oom('nothing'), false)
    assert.equal(oom('itself'), true)
  })
}

function instanceIn(t: TestContext, text: string): Parameters<typeof remains>[0] {
  const folder = mkdtempSync(join(tmpdir(), 'heald-events-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'memory.events'), text)
  writeFileSync(join(folder, 'memory.peak'), '25165824\n')
  return {
    ...{ pid: PID, slot: 'a', launch: '', child: null, logFrom: 0, logTo: 0, unwatch: () => {}, groupGone: true },
    groups: { folders: [folder], unified: folder, memory: { version: 2, folder } },
    population: null,
  }
}
