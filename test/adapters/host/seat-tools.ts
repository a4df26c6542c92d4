import assert from 'node:assert/strict'
import { openKernelLog } from '../../../adapters/host/kernel-log.ts'
import type { SystemdBus } from '../../../adapters/host/systemd-bus.ts'

/**
 * What a seat of a unit needs: a bus that notes in `calls` what it is asked for, and that says nothing by itself. `of`: what
 * single properties it answers with.
 */
export function seatTools(calls: string[], of: Readonly<Record<string, unknown>> = {}) {
  const bus: SystemdBus = {
    manager: async member => void calls.push(member),
    properties: async () => {},
    async property(_path, _interface, name) {
      calls.push(name)
      return of[name]
    },
    ...{ isUp: () => true, renew: () => {}, close: () => {} },
  }
  return {
    ...{ bus, kernelLog: openKernelLog(null), warn: assert.fail },
    ...{ refresh: async () => {}, tail: async () => '', stateOf: () => null },
  }
}
