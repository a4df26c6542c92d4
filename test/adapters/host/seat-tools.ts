import assert from 'node:assert/strict'
import { openKernelLog } from '../../../adapters/host/kernel-log.ts'
import type { SystemdBus } from '../../../adapters/host/systemd-bus.ts'
import type { End, Outside } from '../../../core/heal/host.ts'

/**
 * What a seat of a unit needs: a bus that notes in `calls` what it is asked for, and that says nothing by itself. `of`: what
 * single properties it answers with; `answer`: what it says to a call of the manager.
 */
export function seatTools(
  calls: string[],
  of: Readonly<Record<string, unknown>> = {},
  answer: (member: string, args: readonly unknown[]) => unknown = () => {},
) {
  const bus: SystemdBus = {
    async manager(member, _signature, args = []) {
      calls.push(member)
      return answer(member, args)
    },
    properties: async () => {},
    async property(_path, _interface, name) {
      calls.push(name)
      return of[name]
    },
    ...{ isUp: () => true, renew: () => {}, close: () => {} },
  }
  return {
    ...{ bus, kernelLog: openKernelLog(null), warn: assert.fail },
    ...{ refresh: async () => {}, tail: async () => '', stateOf: () => null, fallsMonoMs: () => [] },
  }
}

/** A supervisor that only notes what a seat tells it, in order. */
export function listener() {
  const told: string[] = []
  const ends: End[] = []
  const tell = (what: string) => () => void told.push(what)
  const outside: Outside = {
    ...{
      runs: tell('runs'),
      stops: tell('stops'),
      goesOn: tell('goes on'),
      refused: tell('refused'),
      givesUp: tell('gives up'),
    },
    known: () => {},
    left: () => {},
  }
  const ended = (end: End) => {
    told.push('ended')
    ends.push(end)
  }
  return { told, ends, outside, ended }
}
