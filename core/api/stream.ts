import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/**
 * Sends lines as NDJSON until they end, the reader leaves or `closing` is aborted. A reader that is slow holds back its
 * own stream only: the next line is not asked for before the last one was taken, so nothing piles up here. One that
 * takes nothing for `stalledMs` is disconnected.
 */
export async function writeLines(
  response: ServerResponse,
  lines: (signal: AbortSignal) => AsyncIterable<string>,
  closing: AbortSignal,
  stalledMs: number,
): Promise<void> {
  const left = new AbortController()
  response.once('close', () => left.abort())
  const signal = AbortSignal.any([closing, left.signal])
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  response.flushHeaders()
  try {
    for await (const line of lines(signal)) {
      if (signal.aborted) break
      if (!response.write(line.endsWith('\n') ? line : `${line}\n`)) await drained(response, signal, stalledMs)
    }
    response.end()
  } catch (error) {
    // The head is out, so the reader learns of the end by the connection alone.
    response.destroy()
    if (!signal.aborted) throw error
  }
}

async function drained(response: ServerResponse, signal: AbortSignal, stalledMs: number): Promise<void> {
  await once(response, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(stalledMs)]) })
}
