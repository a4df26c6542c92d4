import type { BotSpec, NoticeSpec } from '../../core/config/notice-spec.ts'
import { resolvePeople } from '../../core/config/people-resolve.ts'
import type { PeopleSpec } from '../../core/config/people-spec.ts'

/** What a configuration without any channel comes to. */
export const NO_CHANNELS: { readonly notice: NoticeSpec; readonly bot: BotSpec; readonly people: PeopleSpec } = {
  notice: {
    channels: [],
    routes: [],
    logs: false,
    flap: { changes: 4, withinMs: 600_000 },
    escalation: [],
    fallback: [],
    maintenance: [],
  },
  bot: { run: 'child', user: null, state: null },
  people: resolvePeople({ operators: {}, policy: {}, oncall: [] }, '/'),
}
