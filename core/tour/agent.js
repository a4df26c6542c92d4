/*
 * The service that the tour breaks: a small HTTP server on 127.0.0.1:PORT.
 *
 *   GET  /healthz   200 "ok"
 *   POST /hang      answers nobody from now on: its only thread waits for ever
 *   POST /leak      keeps 8 MiB more every 10 ms, up to 1 GiB
 *   POST /crash     exits with code 1
 *
 * It reads settings.json in its folder first, and can't start when that is broken.
 * Plain JavaScript, because stripping types would cost 40 ms at every start, and starts are what the tour shows.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const CHUNK_BYTES = 8 * 1024 * 1024
const MOST_CHUNKS = 128

/** @type {Record<string, () => void>} */
const orders = {
  '/hang': () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  '/leak': leak,
  '/crash': () => process.exit(1),
}

const { greeting } = settings()
createServer((asked, answer) => {
  const path = asked.url ?? '/'
  const order = asked.method === 'POST' ? orders[path] : undefined
  if (order !== undefined) answer.end('as you wish\n', () => setImmediate(order))
  else if (path === '/healthz') answer.end('ok\n')
  else answer.end(`${greeting}, from process ${process.pid}\n`)
}).listen(Number(process.env.PORT), '127.0.0.1', () => {
  process.stdout.write(`process ${process.pid} answers on port ${process.env.PORT}\n`)
})

/** @returns {{ greeting: string }} */
function settings() {
  try {
    return JSON.parse(readFileSync('settings.json', 'utf8'))
  } catch (error) {
    process.stderr.write(`can't start, settings.json is broken: ${error instanceof Error ? error.message : error}\n`)
    return process.exit(1)
  }
}

function leak() {
  /** @type {Buffer[]} */
  const kept = []
  const timer = setInterval(() => {
    kept.push(Buffer.alloc(CHUNK_BYTES, 1))
    if (kept.length === MOST_CHUNKS) clearInterval(timer)
  }, 10)
}
