import { request } from '../api/client.ts'
import { type LedgerQuery, type LinesFound, queryToText } from '../api/ledger-query.ts'
import { checkLine } from '../ledger/line.ts'
import type { Page, Row } from '../ledger/list.ts'
import { type BadLine, readEntry } from '../ledger/read.ts'
import type { Context } from './command.ts'

const ASK_TIMEOUT_MS = 12_000

/**
 * Asks the daemon for entries, where it has the index and this process may not. Each line has to be the one that stands in
 * this ledger; null when one is not, or the daemon can't be asked: then the files say.
 */
export async function askElsewhere(
  { socket, signal }: Pick<Context, 'socket' | 'signal'>,
  dir: string,
  query: LedgerQuery,
): Promise<Page | null> {
  const rows: Row[] = []
  const bad: BadLine[] = []
  let { cursor } = query
  // The daemon cuts long pages; each one has a row at least.
  for (let left = query.limit; ; left = query.limit - rows.length) {
    const found = await ask({ ...query, limit: left, ...(cursor === undefined ? {} : { cursor }) })
    if (found === null) return null
    for (const line of found.lines) {
      const checked = checkLine(line)
      const own = checked.ok ? await readEntry(dir, checked.entry.seq) : null
      if (!checked.ok || own?.line !== line) return null
      rows.push({ line, entry: checked.entry })
    }
    bad.push(...found.bad)
    if (found.next === null || found.lines.length === 0 || rows.length >= query.limit)
      return { rows, next: found.next, bad }
    cursor = found.next
  }

  async function ask(page: LedgerQuery): Promise<LinesFound | null> {
    const options = { timeoutMs: ASK_TIMEOUT_MS, signal }
    try {
      return (await request(socket, 'GET', `/v1/ledger/list?${queryToText(page)}`, undefined, options)) as LinesFound
    } catch {
      signal.throwIfAborted()
      return null
    }
  }
}
