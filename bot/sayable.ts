import { usageOf, WORDS } from '../core/command/words.ts'
import type { Sayable } from './channel.ts'

/** The table of words, as adapters get it for the platforms' own lists of commands. */
export const SAYABLE: readonly Sayable[] = WORDS.map(spec => ({ ...spec, usage: usageOf(spec) }))
