import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findHierarchies, makeGroups, memoryRecord } from '../../../adapters/host/cgroup.ts'
import { hostFacts, limitsBy } from '../../../core/config/facts.ts'
import { checkLimit } from '../../../core/doctor/groups.ts'

// What is decided by the files of a host. Their text is as a unit sees it where systemd 252 has all controllers in v2, and
// where the memory controller is one of v1 beside it.

interface Host {
  readonly cgroup: string
  readonly mountinfo: string
  /** Folder of a group → its files. */
  readonly groups: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const OWN = '/system.slice/heald.service'
const V2_MOUNT =
  '29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n'
const V2 = (controllers: string, passedOn = ''): Host['groups'][string] => ({
  ...{ 'cgroup.procs': '812\n', 'cgroup.type': 'domain\n' },
  ...{ 'cgroup.controllers': `${controllers}\n`, 'cgroup.subtree_control': `${passedOn}\n` },
})
const ALL = 'cpuset cpu io memory hugetlb pids rdma misc'

const UNIFIED: Host = {
  cgroup: `0::${OWN}\n`,
  mountinfo: `23 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:2 - sysfs sysfs rw\n${V2_MOUNT}`,
  groups: { [`sys/fs/cgroup${OWN}`]: V2(ALL) },
}
const BARE: Host = { ...UNIFIED, groups: { [`sys/fs/cgroup${OWN}`]: V2('cpu io') } }
const HYBRID: Host = {
  cgroup: `9:memory:${OWN}\n1:name=systemd:${OWN}\n0::${OWN}\n`,
  mountinfo: `31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:5 - cgroup2 cgroup2 rw,nsdelegate
35 30 0:31 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:9 - cgroup cgroup rw,memory\n`,
  groups: {
    [`sys/fs/cgroup/unified${OWN}`]: V2(''),
    [`sys/fs/cgroup/memory${OWN}`]: { 'cgroup.procs': '812\n' },
  },
}

test('where v2 has the memory controller it limits, and nothing of v1 is asked for', t => {
  const root = put(t, UNIFIED)
  const folder = join(root, 'sys/fs/cgroup', OWN)
  assert.deepEqual(hostFacts(root).canLimit, { memory: true, pids: true })
  const found = findHierarchies(root)
  assert.deepEqual(found, { unified: folder, memory: { version: 2, folder }, pids: { version: 2, folder } })
  const made = makeGroups(found, 'heald-1', 'db.a', { memoryBytes: 64_000_000, pids: 50 })
  const own = join(folder, 'heald-1/db.a')
  assert.deepEqual(made, { folders: [own], unified: own, memory: { version: 2, folder: own } })
  for (const level of [folder, join(folder, 'heald-1')])
    assert.equal(readFileSync(join(level, 'cgroup.subtree_control'), 'utf8'), '+memory +pids')
  const written = ['memory.max', 'memory.swap.max', 'pids.max'].map(file => readFileSync(join(own, file), 'utf8'))
  assert.deepEqual(written, ['64000000', '0', '50'])
  writeFileSync(join(own, 'memory.events'), 'low 0\nhigh 0\nmax 31\noom 2\noom_kill 1\noom_group_kill 0\n')
  writeFileSync(join(own, 'memory.peak'), '63999999\n')
  assert.deepEqual(memoryRecord({ version: 2, folder: own }), { oomKills: 1, peakBytes: 63_999_999 })
})

test('v2 passes a controller on only while nobody is in the group itself, and doctor says so', t => {
  assert.equal(checkLimit('memory', limitsBy('memory', put(t, UNIFIED))).state, 'warn')
  const passedOn = { ...UNIFIED, groups: { [`sys/fs/cgroup${OWN}`]: V2(ALL, 'memory pids') } }
  assert.equal(checkLimit('memory', limitsBy('memory', put(t, passedOn))).state, 'ok')
})

test('where no hierarchy has the controller the keys are refused', t => {
  const root = put(t, BARE)
  assert.deepEqual(hostFacts(root).canLimit, { memory: false, pids: false })
  const { memory, pids, unified } = findHierarchies(root)
  assert.deepEqual([memory, pids, unified], [null, null, join(root, 'sys/fs/cgroup', OWN)])
  assert.equal(checkLimit('memory', limitsBy('memory', root)).state, 'off')
})

test('on a host of both, v1 limits the memory and v2 holds the processes', t => {
  const root = put(t, HYBRID)
  assert.deepEqual(hostFacts(root).canLimit, { memory: true, pids: false })
  const [unified, folder] = ['unified', 'memory'].map(name => join(root, 'sys/fs/cgroup', name, OWN)) as [
    string,
    string,
  ]
  assert.deepEqual(findHierarchies(root), { unified, memory: { version: 1, folder }, pids: null })
})

function put(t: TestContext, { cgroup, mountinfo, groups }: Host): string {
  const root = mkdtempSync(join(tmpdir(), 'heald-groups-'))
  t.after(() => rmSync(root, { recursive: true }))
  mkdirSync(join(root, 'proc/self'), { recursive: true })
  writeFileSync(join(root, 'proc/self/cgroup'), cgroup)
  writeFileSync(join(root, 'proc/self/mountinfo'), mountinfo)
  for (const [folder, files] of Object.entries(groups)) {
    mkdirSync(join(root, folder), { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(root, folder, name), text)
  }
  return root
}
