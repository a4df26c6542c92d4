import assert from 'node:assert/strict'
import { openKernelLog } from '../../../adapters/host/kernel-log.ts'
import type { SystemdBus } from '../../../adapters/host/systemd-bus.ts'

/** What a seat of a unit needs: a bus that notes in `calls` what it is asked for, and that says nothing by itself. */
export function seatTools(calls: string[]) {
  const bus: SystemdBus = {
    manager: async member => void calls.push(member),
    properties: async () => {},
    ...{ isUp: () => true, renew: () => {}, close: () => {} },
  }
  return {
    ...{ bus, kernelLog: openKernelLog(null), warn: assert.fail },
    ...{ refresh: async () => {}, tail: async () => '' },
  }
}
