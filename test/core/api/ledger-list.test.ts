import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { request } from '../../../core/api/client.ts'
import type { Control } from '../../../core/api/control.ts'
import { ledgerControl } from '../../../core/api/ledger-control.ts'
import { type LedgerQuery, type LinesFound, queryFrom, queryToText } from '../../../core/api/ledger-query.ts'
import { LEDGER_ROUTES } from '../../../core/api/ledger-routes.ts'
import { serve } from '../../../core/api/server.ts'
import { askElsewhere } from '../../../core/cli/ledger-elsewhere.ts'
import { indexPath, openDatabase } from '../../../core/ledger/index/database.ts'
import { queryLedger } from '../../../core/ledger/index/query.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { mixed } from '../ledger/mixed-ledger.ts'
import { folder, opened, written } from '../ledger/stand.ts'
import { stand } from './stand.ts'

const ASK = { timeoutMs: 20_000 }

test('what is looked for goes through a path and comes back the same; what is not understood is refused', async t => {
  const query: LedgerQuery = {
    filter: {
      ...{ kinds: ['service.exited', 'incident'], svc: 'a&b=c', inc: 'api-1', actor: 'local:u1', severity: 'critical' },
      ...{ sinceMs: 1_700_000_000_000, untilMs: 1_800_000_000_000, fromSeq: 1, toSeq: 99, text: '"磁盘 full" ex*' },
    },
    ...{ limit: 7, cursor: '41' },
  }
  assert.deepEqual(queryFrom(new URLSearchParams(queryToText(query))), query)
  assert.deepEqual(queryFrom(new URLSearchParams('')), { filter: {}, limit: 50 })
  const { socket, asked } = await stand(t)
  await request(socket, 'GET', `/v1/ledger/list?${queryToText(query)}`, undefined, ASK)
  assert.deepEqual(JSON.parse((asked.at(-1) ?? '').slice('find '.length)), query)
  for (const wrong of ['sevice=api', 'limit=x', 'since=-1', 'cursor=1e3', 'to='])
    await assert.rejects(request(socket, 'GET', `/v1/ledger/list?${wrong}`, undefined, ASK), { code: 'request.query' })
})

test('where the index is in other hands the daemon is asked, and believed only what stands in the files', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, 16_000)
  const ledger = await opened(t, dir)
  const socket = join(folder(t), 'heald.sock')
  let lie = (found: LinesFound): LinesFound => found
  const real = ledgerControl(ledger, () => {})
  const control = { ...real, findLines: async (query: LedgerQuery) => lie(await real.findLines(query)) }
  const server = await serve({
    socket,
    routes: LEDGER_ROUTES,
    control: control as unknown as Control,
    follow: () => assert.fail('nobody follows'),
  })
  t.after(() => server.close(1000))
  const context = { socket, signal: new AbortController().signal }
  const filter = { text: 'jürgen' }
  // More than one answer of the daemon holds.
  const right = await listEntries(dir, filter, { limit: 1500 })
  assert.equal(right.rows.length, 1500)
  const asked = await askElsewhere(context, dir, { filter, limit: 1500 })
  assert.deepEqual([asked?.rows, asked?.next], [right.rows, right.next])

  const other = await written(t, 3)
  assert.equal(await askElsewhere(context, other, { filter, limit: 5 }), null, 'lines of another ledger')
  lie = found => ({ ...found, lines: found.lines.map(line => line.replace('"pid":', '"pid":1')) })
  assert.equal(await askElsewhere(context, dir, { filter, limit: 5 }), null, 'lines that were changed')
  lie = found => found
  assert.equal(await askElsewhere({ ...context, socket: `${socket}.none` }, dir, { filter, limit: 5 }), null)

  const held = await openDatabase(indexPath(dir), { busyMs: 20_000 })
  t.after(() => held.close())
  let isAsked = false
  const elsewhere = () => {
    isAsked = true
    return askElsewhere(context, dir, { filter, limit: 30 })
  }
  const page = await queryLedger(dir, filter, { limit: 30, elsewhere })
  assert.deepEqual([isAsked, page.rows], [true, right.rows.slice(0, 30)])
  assert.deepEqual((await queryLedger(dir, filter, { limit: 30 })).rows, right.rows.slice(0, 30), 'nor a daemon')
})
