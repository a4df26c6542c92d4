import { parseArgs } from 'node:util'
import { DEFAULT_PORT, runStage } from './stage.ts'

// npm run fakes [-- --port N --whatsapp]: fake Telegram, Discord, Slack (and WhatsApp) on this machine, with a page that
// shows their chats.

const { values } = parseArgs({
  options: { port: { type: 'string', default: String(DEFAULT_PORT) }, whatsapp: { type: 'boolean', default: false } },
})
const stopped = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort())
process.exitCode = await runStage({
  port: Number(values.port),
  whatsapp: values.whatsapp,
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  signal: stopped.signal,
})
