import { existsSync, readFileSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'

/** What the figures were measured on, a line each: name and words. */
export function describeMachine(): Readonly<Record<string, string>> {
  const processors = cpus()
  return {
    processor: `${processors[0]?.model ?? 'unknown'}, ${processors.length} cores`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    kernel: `Linux ${release()} ${process.arch}`,
    'temporary folder': `${tmpdir()} on ${fileSystemOf(tmpdir())}`,
    node: process.version,
    'control groups': groupLayout(),
    user: process.getuid?.() === 0 ? 'root' : 'not root',
    'load before': loadavg()
      .map(load => load.toFixed(2))
      .join(' '),
  }
}

/** Type of the file system that holds a folder, by the longest mount point above it. */
function fileSystemOf(folder: string): string {
  const mounts = read('/proc/self/mountinfo')
    .split('\n')
    .map(line => {
      const [before = '', after = ''] = line.split(' - ')
      return { at: before.split(' ')[4] ?? '', type: after.split(' ')[0] ?? '' }
    })
    .filter(({ at }) => at !== '' && (folder === at || folder.startsWith(at === '/' ? '/' : `${at}/`)))
  return mounts.toSorted((a, b) => a.at.length - b.at.length).at(-1)?.type ?? 'an unknown file system'
}

function groupLayout(): string {
  const types = new Set(
    read('/proc/self/mountinfo')
      .split('\n')
      .map(line => line.split(' - ')[1]?.split(' ')[0]),
  )
  const [hasV1, hasV2] = [types.has('cgroup'), types.has('cgroup2')]
  if (hasV1 && hasV2) return 'hybrid (v1 and v2)'
  if (hasV2) return existsSync('/sys/fs/cgroup/cgroup.procs') ? 'v2' : 'v2, not at its usual place'
  return hasV1 ? 'v1' : 'none'
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
