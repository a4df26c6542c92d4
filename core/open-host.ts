import { accessSync, constants, mkdirSync } from 'node:fs'
import { Fault, messageOf } from './fault.ts'
import type { ProcessHost } from './heal/host.ts'

/** Opens the host; a state folder that can't be used is told as such, with the system's own reason. */
export function openHostIn(
  state: string,
  openHost: (state: string, warn: (text: string) => void) => ProcessHost,
  warn: (text: string) => void,
): ProcessHost {
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 })
    accessSync(state, constants.W_OK)
  } catch (cause) {
    warn(`${state} can't be written: ${messageOf(cause)}`)
  }
  try {
    return openHost(state, warn)
  } catch (cause) {
    throw new Fault('state.unusable', `the state folder ${state} can't be used: ${messageOf(cause)}`, {
      hint: 'the ledger, logs and run files are kept there: make it writable, or name another one with --state DIR',
      cause,
    })
  }
}
