import { readdirSync, readFileSync } from 'node:fs'

const MEGABYTE = 1_000_000

/** Resident memory of a process in megabytes (10⁶ bytes). */
export function residentMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return (Number(kib) * 1024) / MEGABYTE
}

/** Processor time a process has used so far, all of its threads, in ms. To the nanosecond where the kernel counts so. */
export function processorMs(pid: number): number {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    const times = tasks.map(task => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]))
    return times.reduce((sum, ns) => sum + ns, 0) / 1e6
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    // No schedstat in this kernel: ticks of 10 ms.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  }
}
