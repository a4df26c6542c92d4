import type { Entry } from '../entry.ts'
import type { Args } from './port.ts'
import type { Verb } from './words.ts'

/** An entry that a running command may have led to. */
export interface Effect {
  readonly kind: string
  readonly seq: number
  readonly actor: string
  /** In words; '' for none. */
  readonly why: string
}

/** Which entries may be a command's doing. Looked at after a crash only, to say what was found. */
const EFFECTS: { readonly [verb in Verb]: (args: Args, by: string, entry: Entry) => boolean } = {
  rollback: ofTarget,
  deploy: ofTarget,
  restart: ofService('service.stopped', 'service.started', 'service.ready'),
  stop: ofService('service.stopped'),
  start: ofService('service.started', 'service.ready', 'service.held'),
  ack: ({ id }, _by, { kind, inc }) => kind === 'incident.acked' && inc === id,
  resolve: ({ id }, _by, { kind, inc }) => kind === 'incident.resolved' && inc === id,
  silence: (_args, by, { kind, data }) => kind === 'silence.created' && data.by === by,
  unsilence: ({ id }, _by, { kind, data }) => kind === 'silence.ended' && data.id === id,
  freeze: (_args, _by, { kind }) => kind === 'freeze.on',
  unfreeze: (_args, _by, { kind }) => kind === 'freeze.off',
  unlock: () => false,
}

export function isEffect({ verb, args, by }: { verb: Verb; args: Args; by: string }, entry: Entry): boolean {
  return EFFECTS[verb](args, by, entry)
}

function ofTarget({ target }: Args, _by: string, { kind, data }: Entry): boolean {
  return (kind.startsWith('switch.') || kind.startsWith('rollback.')) && data.target === target
}

function ofService(...kinds: readonly string[]) {
  return ({ service }: Args, _by: string, { kind, svc }: Entry) => svc === service && kinds.includes(kind)
}
