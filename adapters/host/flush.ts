import { spawn } from 'node:child_process'
import type { GuardedFolder } from './guarded-folder.ts'
import { TargetFault } from './target-fault.ts'

/**
 * Brings everything of the folder's file system to disk (syncfs, which Node can't call). A pointer's own fsync says nothing
 * of the files it leads to: after a power cut they would be there, with the right names, and empty.
 */
export async function flushFileSystem(folder: GuardedFolder, deadlineMs: number): Promise<void> {
  const failed = (why: string, cause?: unknown) =>
    new TargetFault('target.flush', `what is in ${folder.path} could not be brought to disk: ${why}`, {
      ...{ cause, retry: 'now', hint: 'Try `sync -f` on it; the kernel log says what is wrong with the disk.' },
    })
  const child = spawn('sync', ['-f', '/proc/self/fd/3'], {
    stdio: ['ignore', 'ignore', 'pipe', folder.handle.fd],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  })
  let said = ''
  child.stdio[2]?.on('data', (chunk: Buffer) => {
    if (said.length < 1000) said += chunk.toString()
  })
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(failed(`it took over ${deadlineMs} ms`)), deadlineMs + 50)
    child.once('error', error => reject(failed(error.message, error)))
    // Not `close`: a `sync` that hangs in the kernel holds its pipe open whatever is sent to it.
    child.once('exit', code => (code === 0 ? resolve() : reject(failed(said.trim() || `sync ended with ${code}`))))
    for (const event of ['error', 'exit']) child.once(event, () => clearTimeout(timer))
  })
}
