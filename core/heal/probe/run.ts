import { codeOf } from '../../fault.ts'
import type { RunCheck } from './verdict.ts'

/**
 * Runs a check of any kind. The code of each kind is loaded on its first use: a daemon whose services have no probes
 * never pays for an HTTP client.
 */
export const runCheck: RunCheck = async (check, timeoutMs, signal, surroundings) => {
  try {
    switch (check.kind) {
      case 'http':
        return await (await import('./http.ts')).checkHttp(check, timeoutMs, signal)
      case 'tcp':
        return await (await import('./tcp.ts')).checkTcp(check, timeoutMs, signal)
      case 'exec':
        return await (await import('./exec.ts')).checkExec(check, timeoutMs, signal, surroundings)
      case 'file':
        return await (await import('./file.ts')).checkFile(check, timeoutMs, signal)
    }
  } catch (error) {
    return { verdict: 'inconclusive', error: `the check broke (${codeOf(error)})`, tookMs: 0 }
  }
}
