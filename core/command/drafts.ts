import { actorOf, type ChainRef, type Data, type Draft, type Json, type Kind } from '../entry.ts'
import type { BoundOffer } from './entry-data.ts'
import type { Identity } from './identity.ts'
import type { Command } from './memory.ts'
import type { Args, Needs, Projection } from './port.ts'
import type { Verb } from './words.ts'

/** How a word came to heald. */
export interface How {
  readonly who: Identity
  /** Null at the command line. */
  readonly key: string | null
  /** The button that was pressed; null: none was. */
  readonly button: string | null
}

export interface Drafts {
  requested(
    what: { id: string; verb: Verb; args: Args; needs: Needs; seen: Projection | null; expiresMs: number },
    how: How,
  ): Draft
  awaiting(command: Command, offers: readonly BoundOffer[]): Draft
  approved(command: Command, how: How, more: { codeStep?: number; offers: readonly BoundOffer[]; left: Needs }): Draft
  rejected(command: Command, how: How, why: string): Draft
  /** A step of a command that heald takes by itself. */
  step(
    kind: 'command.started' | 'command.expired' | 'command.succeeded' | 'command.failed',
    of: Command,
    data?: Data,
  ): Draft
  denied(what: Data, actor: string): Draft
  offered(about: string, offers: readonly BoundOffer[]): Draft
}

/** The entries of commands. Each is a link of the chain. */
export function createDrafts(chain: ChainRef): Drafts {
  const draft = (kind: Kind, data: Data, actor = 'heald'): Draft => ({ kind, actor, data, chain })

  function said({ who, key, button }: How): Data {
    const { by, operator, via } = who
    return { by, operator, via, ...(key === null ? {} : { dedupeKey: key }), ...(button === null ? {} : { button }) }
  }

  return {
    requested({ id, verb, args, needs, seen, expiresMs }, how) {
      const expiresTs = new Date(expiresMs).toISOString()
      const data = { id, verb, args, ...said(how), role: how.who.role, needs: json(needs), seen: json(seen), expiresTs }
      return draft('command.requested', data, actorOf(how.who.by))
    },
    awaiting({ id, verb, args, by, operator, needs, expiresMs }, offers) {
      const expiresTs = new Date(expiresMs).toISOString()
      return draft('command.awaiting', {
        id,
        verb,
        args,
        by,
        operator,
        needs: json(needs),
        expiresTs,
        offers: json(offers),
      })
    },
    approved({ id, verb }, how, { codeStep, offers, left }) {
      const code = codeStep === undefined ? {} : { codeStep }
      const data = { id, verb, ...said(how), ...code, needs: json(left), offers: json(offers) }
      return draft('command.approved', data, actorOf(how.who.by))
    },
    rejected({ id, verb }, how, why) {
      return draft('command.rejected', { id, verb, ...said(how), why }, actorOf(how.who.by))
    },
    step(kind, { id, verb, args, by, operator }, data = {}) {
      return draft(kind, { id, verb, args, by, operator, ...data })
    },
    denied: (what, actor) => draft('command.denied', what, actor),
    offered: (about, offers) => draft('command.offered', { about, offers: json(offers) }),
  }
}

/** Shapes of the port are JSON by construction. */
export function json(value: object | null): Json {
  return value as unknown as Json
}
