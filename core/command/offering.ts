import { tokenBucket } from '../api/token-bucket.ts'
import { Fault } from '../fault.ts'
import type { DeskOptions } from './desk-options.ts'
import type { Drafts } from './drafts.ts'
import type { BoundOffer } from './entry-data.ts'
import { lookAt } from './look.ts'
import { offerOf } from './offers.ts'
import { lineOf } from './parse.ts'
import type { Offer } from './port.ts'

/** A button on a card may be pressed for a day. */
const KEPT_MS = 86_400_000
/** One that is kept as it is has to last so much longer. */
const LEFT_MS = KEPT_MS / 4
/** Entries with new buttons: one each five seconds, and 300 at once after a rest. */
const RATE = { perS: 1 / 5, burst: 300 }

/** Mints the buttons of cards: durable before they are shown, and the same as long as what they mean is the same. */
export function createOffering(
  options: DeskOptions,
  tools: { readonly drafts: Drafts; readonly inTurn: <T>(work: () => Promise<T>) => Promise<T> },
): (about: string) => Promise<readonly Offer[]> {
  const { clock, memory } = options
  const take = tokenBucket(clock, RATE)
  const minting = options.mint === undefined ? {} : { mint: options.mint }

  return async about => {
    const wanted = await Promise.all(
      options.offerable(about).map(async ({ word, args }) => {
        const looked = await lookAt(options.deeds, clock, word, args)
        return 'refused' in looked ? [] : [{ word, args, seen: looked.now }]
      }),
    )
    return tools.inTurn(async () => {
      const nowMs = clock.wallMs()
      const made: BoundOffer[] = []
      const offers = wanted.flat().map(each => {
        const line = lineOf(each.word, each.args)
        for (const { about: its, offer, seen, expiresMs, usedFor } of memory.buttons.values()) {
          const isSame = its === about && usedFor === null && lineOf(offer.word, offer.args) === line
          if (isSame && seen?.hash === each.seen?.hash && expiresMs > nowMs + LEFT_MS) return offer
        }
        const bound = offerOf(each, { expiresMs: nowMs + KEPT_MS, code: false, ...minting })
        made.push(bound)
        const { seen: _, ...offer } = bound
        return offer
      })
      if (made.length === 0) return offers
      const waitMs = take()
      if (waitMs > 0) throw new Fault('request.rate', 'too many new buttons', { retry: waitMs })
      await options.append(tools.drafts.offered(about, made))
      return offers
    })
  }
}
