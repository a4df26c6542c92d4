/** The machine has no network: what a chat would get is written down by a small server inside. */
export const PORT = 8123
/** Its arguments: the file to write to. */
export const CHAT = `
import { createServer } from 'node:http'
import { appendFileSync } from 'node:fs'
createServer((request, response) => {
  let body = ''
  request.on('data', more => { body += more })
  request.on('end', () => {
    appendFileSync(process.argv[2], request.url + ' ' + body + '\\n')
    const me = { id: 1, is_bot: true, first_name: 'b', username: 'b_bot' }
    const result = request.url.endsWith('getUpdates') ? [] : request.url.endsWith('getMe') ? me : true
    const sent = { message_id: 7, date: 1, chat: { id: -100, type: 'group', title: 'g' }, text: 'x' }
    setTimeout(() => response.end(JSON.stringify({ ok: true, result: /send|edit/.test(request.url) ? sent : result })), 100)
  })
}).listen(${PORT}, '127.0.0.1')
`
