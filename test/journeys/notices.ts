import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BotSpec, NoticeSpec } from '../../core/config/notice-spec.ts'
import type { Entry } from '../../core/entry.ts'
import { FIXTURES, type Stand } from './stand.ts'

/** What `test/fixtures/notices-up.ts` reads beside the configuration. */
export interface NoticeInput {
  readonly notice?: Partial<NoticeSpec>
  readonly bot?: Partial<BotSpec>
  readonly tz?: string
  readonly confirmMs?: number
}

/** Its token is the mark by which the stand finds its processes, so that the bot is found too. */
export const CHANNEL: NoticeSpec['channels'][number] = {
  ...{ kind: 'telegram', token: { env: 'HEALD_MARK' }, apiRoot: 'http://127.0.0.1:9' },
  ...{ chats: ['1'], quietHours: null, digest: null },
}

/** A stand whose daemon has notices, with a stand-in for the bot. */
export function noticesOf(stand: Stand) {
  const folder = join(stand.state, 'bot')
  const read = (name: string) => {
    const path = join(folder, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
  return {
    folder,
    configure: (input: NoticeInput) => writeFileSync(`${stand.configPath}.notices`, JSON.stringify(input)),
    up: () => stand.up({ program: join(FIXTURES, 'notices-up.ts'), env: { HEALD_MARK: `${stand.mark}/bot` } }),
    read,
    /** Entries that the stand-in was told of. */
    heard: (kind: string) =>
      read('lines')
        .split('\n')
        .filter(line => line.includes(`"kind":"${kind}"`))
        .map(line => JSON.parse(line) as Entry),
    /** Tells the stand-in how to behave. */
    switchOn(name: 'confirms' | 'crashes' | 'refused' | 'silent') {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, name), '')
    },
  }
}
