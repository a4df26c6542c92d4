/*
 * listener.js STARTS: an HTTP service on 127.0.0.1:PORT that notes what it does, on the monotonic clock. Plain JavaScript:
 * its own start is not what is measured.
 *   STARTS             "pid nanoseconds" of the start of its process
 *   STARTS.listening   the same once it takes connections
 *   STARTS.hung        the same once somebody asked for /hang: from then on it answers nothing
 */
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [, , starts = ''] = process.argv
/**
 * @param {string} file
 * @param {bigint} atNs
 */
const note = (file, atNs) => appendFileSync(file, `${process.pid} ${atNs}\n`)
// Loading the program is part of its own start time, so the start is the process's, not this line's.
note(starts, process.hrtime.bigint() - BigInt(Math.round(performance.now() * 1e6)))

let isHung = false
const server = createServer((asked, answer) => {
  if (asked.url === '/hang' && !isHung) {
    isHung = true
    note(`${starts}.hung`, process.hrtime.bigint())
  }
  if (!isHung) answer.end('ok\n')
})
server.listen(Number(process.env.PORT), '127.0.0.1', () => note(`${starts}.listening`, process.hrtime.bigint()))
