import { spawn } from 'node:child_process'

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const DEADLINE_MS = 120_000

/** Runs a command in all namespaces of the process `leader`; rejects when it takes too long. */
export async function runInside(leader: number, argv: readonly string[]): Promise<Ran> {
  const env = [
    'env',
    '-i',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME=/',
    'LANG=C.UTF-8',
  ]
  const child = spawn('nsenter', ['-t', String(leader), '-a', '--', ...env, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    detached: true,
    killSignal: 'SIGKILL',
    // A process group of its own: a command that signals its group must not reach the test's.
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (child.signalCode !== null) throw new Error(`${argv.join(' ')} was ended by ${child.signalCode}`)
  return { code, ...text }
}
