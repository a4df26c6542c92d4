import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Fault, messageOf } from '../fault.ts'
import type { HostFacts } from './facts.ts'
import { ConfigFault, type Problem } from './problem.ts'
import type { HostConfig } from './spec.ts'

/** What the child prints: one of these, as one JSON document. */
export type Answer =
  | { readonly config: HostConfig }
  | { readonly problems: readonly Problem[] }
  | { readonly fault: { readonly code: string; readonly message: string; readonly hint?: string } }

const DEADLINE_MS = 10_000
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024

/**
 * `loadConfig` in a short-lived child process: the parser and the schema library (≈ 15 MB) never enter the daemon,
 * and a file that makes them slow or fat is cut off instead of stopping healing. Same result, same Faults; besides,
 * `config.check-failed` when the child could not do its work. `facts` left out: the child looks itself.
 */
export function loadConfigApart(path: string, facts?: HostFacts): Promise<HostConfig> {
  return new Promise((resolve, reject) => {
    const program = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'apart.ts' : 'apart.js', import.meta.url))
    const args = [program, path, ...(facts === undefined ? [] : [JSON.stringify(facts)])]
    const options = { timeout: DEADLINE_MS, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' } as const
    execFile(process.execPath, args, options, (error, stdout) => {
      if (error !== null) {
        const why = error.killed === true ? 'it took too long, or the result is too large' : messageOf(error)
        reject(checkFailed(path, why, error))
        return
      }
      try {
        const answer = JSON.parse(stdout) as Answer
        if ('config' in answer) resolve(answer.config)
        else if ('problems' in answer) reject(new ConfigFault(path, answer.problems))
        else
          reject(
            new Fault(answer.fault.code, answer.fault.message, answer.fault.hint ? { hint: answer.fault.hint } : {}),
          )
      } catch (cause) {
        reject(checkFailed(path, 'its answer is not readable', cause))
      }
    })
  })
}

function checkFailed(path: string, why: string, cause: unknown): Fault {
  return new Fault('config.check-failed', `${path} could not be checked: ${why}`, {
    hint: `run: heald config check ${path}`,
    retry: 'now',
    cause,
  })
}
