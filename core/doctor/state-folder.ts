import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, open, stat, statfs, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { formatDuration } from '../config/duration.ts'
import { formatSize } from '../config/size.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { asOwnerOf, mustBeOwn } from '../owner.ts'
import type { Check } from './check.ts'

/** `f_type` of statfs(2), and what each means for a ledger. */
const FILE_SYSTEMS: ReadonlyMap<number, { readonly name: string; readonly advice?: string }> = new Map([
  [0xef53, { name: 'ext4' }],
  [0x58465342, { name: 'xfs' }],
  [0x9123683e, { name: 'btrfs' }],
  [0x2fc12fc1, { name: 'zfs' }],
  [0xf2f52010, { name: 'f2fs' }],
  [0x794c7630, { name: 'overlay', advice: 'a container’s own layer is lost with it: mount a volume there' }],
  [
    0x01021994,
    { name: 'tmpfs', advice: 'memory is lost at a reboot, and the ledger with it: choose a disk with --state DIR' },
  ],
  [
    0x6969,
    {
      name: 'nfs',
      advice: 'locks and syncs of network folders can’t be relied on: choose a local disk with --state DIR',
    },
  ],
  [
    0xff534d42,
    {
      name: 'cifs',
      advice: 'locks and syncs of network folders can’t be relied on: choose a local disk with --state DIR',
    },
  ],
  [
    0x65735546,
    {
      name: 'fuse',
      advice: 'whether a sync reaches the disk is up to its program: choose a local disk with --state DIR',
    },
  ],
  [
    0x01021997,
    {
      name: '9p',
      advice: 'whether a sync reaches the disk is up to the other side: choose a local disk with --state DIR',
    },
  ],
])

const LITTLE_SPACE_BYTES = 64 * 1024 * 1024
const APPENDS = 20
const SLOW_MS = 20
const DISK_DEADLINE_MS = 10_000

/** Whether the state folder can be written, on what, and how fast a small append gets to the disk there. */
export async function checkStateFolder(state: string): Promise<Check[]> {
  const check = { id: 'state', title: 'state folder' }
  let folder: string
  try {
    mustBeOwn(state)
    folder = await nearestFolder(state)
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    const own = 'choose a folder of your own with --state DIR'
    if (error instanceof Fault)
      return [{ ...check, state: 'missing', why: error.message, advice: `${error.hint ?? ''}; or ${own}` }]
    const why = `${state} can't be written: ${codeOf(error)}`
    return [{ ...check, state: 'missing', why, advice: `${own}, or ask as its owner: ${asOwnerOf(state)}` }]
  }
  const { type, bavail, bsize } = await statfs(folder)
  const system = FILE_SYSTEMS.get(type) ?? { name: `file system 0x${type.toString(16)}` }
  const freeBytes = bavail * bsize
  const there = folder === state ? '' : ', will be made by heald up'
  const why = `${state} (${system.name}, ${formatSize(freeBytes)} free${there})`
  const advice =
    freeBytes < LITTLE_SPACE_BYTES ? 'make room: a full disk stops the record, though not the healing' : system.advice
  const speed = await checkDiskSpeed(folder)
  return [advice === undefined ? { ...check, state: 'ok', why } : { ...check, state: 'warn', why, advice }, speed]
}

/** `state`, or the nearest folder above it that exists: heald makes the rest. */
async function nearestFolder(state: string): Promise<string> {
  for (let folder = state; ; folder = dirname(folder)) {
    try {
      if ((await stat(folder)).isDirectory()) return folder
      throw Object.assign(new Error(`${folder} is not a folder`), { code: 'ENOTDIR' })
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || folder === dirname(folder)) throw error
    }
  }
}

/** Appends a little and waits for the disk, as the ledger does for each batch of entries. Leaves nothing behind. */
async function checkDiskSpeed(folder: string): Promise<Check> {
  const check = { id: 'disk', title: 'disk' }
  try {
    const medianMs = await Promise.race([measureAppends(folder), deadline(DISK_DEADLINE_MS)])
    const why = `an append is durable after ${formatDuration(medianMs)} (the middle one of ${APPENDS})`
    if (medianMs <= SLOW_MS) return { ...check, state: 'ok', why }
    return {
      ...check,
      state: 'warn',
      why,
      advice: 'orders wait for it (healing does not): use a faster disk with --state DIR',
    }
  } catch (error) {
    const why = `could not be measured: ${messageOf(error)}`
    return { ...check, state: 'warn', why, advice: 'look at the disk before trusting it with a ledger' }
  }
}

async function measureAppends(folder: string): Promise<number> {
  const path = join(folder, `.heald-doctor-${randomUUID()}.tmp`)
  const file = await open(path, 'ax', 0o600)
  try {
    const times: number[] = []
    for (let count = 0; count < APPENDS; count++) {
      const before = process.hrtime.bigint()
      await file.write(`${'x'.repeat(255)}\n`)
      await file.datasync()
      times.push(Number(process.hrtime.bigint() - before) / 1e6)
    }
    return times.sort((a, b) => a - b)[APPENDS / 2] ?? 0
  } finally {
    await unlink(path)
    await file.close()
  }
}

function deadline(ms: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`the disk took longer than ${formatDuration(ms)}`)), ms).unref()
  })
}
