import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Client, Message } from 'whatsapp-web.js'
import { browserIn } from './whatsapp-browser.ts'
import { forget, isPaired, markPaired, prepareFolder } from './whatsapp-folder.ts'
import { listen, say } from './whatsapp-stream.ts'
import { type Answer, cleaned, type Order, type OverWhy, orderIn, type Pairing, type Report } from './whatsapp-wire.ts'

// The process that runs whatsapp-web.js, and Chromium below it: `whatsapp-child.ts FOLDER BROWSER [ARGUMENT…]`. The bot
// starts it, or systemd does, as a unit; either way its orders come by a stream, descriptor 3. Whatever goes wrong here
// ends here, and so does everything when the stream ends. What is started, and where, is not the bot's to say.
//
// Life of the child
// 1. The first order, `open`, starts Chromium with the profile in the folder. The debugging connection is a pipe, so that
//    Chromium ends when this process does, however it ends.
// 2. `ready` is reported when messages can be sent; `over` when the device is not linked, somebody else uses it, or the page
//    or the browser is gone. Nothing is mended here: the bot has another child started.
// 3. Orders are answered once. `sent` says that the page has the message, not that the servers do: acks follow as reports.
// 4. A pairing ends with `linked`: once the page is ready, Chromium is closed, so that it writes the session to the disk, and
//    only then the folder is marked as paired. So no second browser uses it.

const STREAM_FD = 3
const PAGE_MS = 8000
const CLOSE_MS = 3000
/** Signs of life in the time that systemd waits for one. */
const WATCHDOG_SHARE = 3
/** The page goes away some time before the library tells that it was logged out. */
const SETTLE_MS = 800
const MOST_WAITING = 100
const LOGGED_OUT = ['LOGOUT', 'UNPAIRED', 'UNPAIRED_IDLE']
const BLOCKED = ['TOS_BLOCK', 'SMB_TOS_BLOCK', 'PROXYBLOCK', 'DEPRECATED_VERSION']

const [folder = '', browser = '', ...browserArgs] = process.argv.slice(2)
const stream = new Socket({ fd: STREAM_FD })
let client: Client | null = null
let isOpened = false
let isOver = false
let waiting = 0

listen(stream, value => {
  const order = orderIn(value)
  if (order === null) return
  if (order.order === 'open') void open(order).catch((error: unknown) => over('failed', cleaned(error)))
  else if (order.order === 'close') void end()
  else void answer(order)
})
stream.on('close', () => process.exit(0))
watch()
// The library leaves many promises alone; none of them is worth the process.
process.on('unhandledRejection', error => tell({ report: 'trouble', detail: cleaned(error) }))
process.on('uncaughtException', error => over('failed', cleaned(error)))

function tell(report: Report): void {
  say(stream, report)
}

function over(why: OverWhy, detail: string): void {
  if (isOver) return
  isOver = true
  tell({ report: 'over', why, detail })
  void end(why === 'unlinked' ? forget : null)
}

/** Closes the browser, so that it keeps the session on disk, or does without; `finish` finds nobody else in the folder. */
async function end(finish: ((folder: string) => void) | null = null): Promise<void> {
  isOver = true
  const running = client?.pupBrowser?.process() ?? null
  await within(CLOSE_MS, client?.destroy()).catch(() => {})
  if (running !== null && running.exitCode === null && running.signalCode === null) {
    const gone = once(running, 'exit')
    running.kill('SIGKILL')
    await gone
  }
  try {
    finish?.(folder)
  } catch (error) {
    tell({ report: 'trouble', detail: cleaned(error) })
  }
  process.exit(0)
}

/** The page of a new device is ready. */
function keep({ keepMs }: Pairing): void {
  setTimeout(() => {
    if (isOver) return
    void end(() => {
      markPaired(folder)
      tell({ report: 'linked' })
    })
  }, keepMs)
}

async function open({ pairing }: Order & { order: 'open' }): Promise<void> {
  if (isOpened) return
  isOpened = true
  await prepareFolder(folder)
  if (pairing === null && !isPaired(folder)) return over('unpaired', 'no device is linked')
  if (pairing !== null && isPaired(folder)) return over('paired', 'a device is linked already')
  // A half-made pairing shows no code any more.
  if (pairing !== null) forget(folder)
  const program = browserIn(browser)
  if (program === null) return over('failed', 'there is no Chromium')
  const { default: library } = await import('whatsapp-web.js')
  const auth = new library.LocalAuth({ dataPath: folder })
  const phoneNumber = pairing?.phoneNumber ?? null
  const made = new library.Client({
    authStrategy: auth,
    // Otherwise an old page is looked for in the working directory.
    webVersionCache: { type: 'none' },
    ...(phoneNumber === null ? {} : { pairWithPhoneNumber: { phoneNumber } }),
    puppeteer: {
      executablePath: program,
      args: [...browserArgs, ...(process.geteuid?.() === 0 ? ['--no-sandbox'] : [])],
      headless: true,
      pipe: true,
      timeout: 30_000,
      protocolTimeout: 30_000,
      env: { PATH: process.env.PATH, LANG: process.env.LANG, TZ: process.env.TZ, HOME: process.env.HOME },
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    },
  })
  client = made
  auth.afterBrowserInitialized = async () => {
    made.pupBrowser?.once('disconnected', () => over('failed', 'the browser has ended'))
    made.pupPage?.once('error', error => over('failed', cleaned(error)))
    made.pupPage?.once('close', () => over('failed', 'the page was closed'))
  }
  made.on('qr', text => (pairing === null ? over('unlinked', 'it asks for a scan') : tell({ report: 'qr', text })))
  made.on('code', text => tell({ report: 'code', text }))
  made.on('ready', () => {
    tell({ report: 'ready' })
    if (pairing !== null) keep(pairing)
  })
  made.on('change_state', state => tell({ report: 'state', state: String(state) }))
  made.on('auth_failure', () => over('unlinked', 'the session was not taken'))
  made.on('message_ack', (message, ack) => {
    if (message.fromMe) tell({ report: 'ack', reference: message.id._serialized, ack: Number(ack) })
  })
  made.on('disconnected', reason => {
    const state = String(reason)
    if (LOGGED_OUT.includes(state)) over('unlinked', state)
    else if (BLOCKED.includes(state)) over('blocked', state)
    else over(state === 'CONFLICT' ? 'conflict' : 'failed', state)
  })
  await made.initialize()
}

async function answer(order: Exclude<Order, { order: 'open' | 'close' }>): Promise<void> {
  const done = (answer: Answer) => tell({ report: 'answer', id: order.id, answer })
  if (client === null || isOver || waiting >= MOST_WAITING) return done({ is: 'failed', detail: 'it is not connected' })
  waiting += 1
  try {
    done(await perform(client, order))
  } catch (error) {
    // When it failed because of a log-out, that is told first.
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
    done({ is: 'failed', detail: cleaned(error) })
  } finally {
    waiting -= 1
  }
}

async function perform(on: Client, order: Exclude<Order, { order: 'open' | 'close' }>): Promise<Answer> {
  switch (order.order) {
    case 'send': {
      const { chat, text, replyTo } = order
      const sent = await on
        .sendMessage(chat, text, {
          // With it, a link costs a request, and an edit with a link fails (the library reads a preview that is not there).
          linkPreview: false,
          // Otherwise text that begins like one becomes a contact card.
          parseVCards: false,
          sendSeen: false,
          ...(replyTo === null ? {} : { quotedMessageId: replyTo }),
        })
        .catch(async (error: unknown) => {
          if (await isThere(on, chat)) throw error
          return null
        })
      if (sent === null) return { is: 'missing' }
      return sentOf(sent ?? null)
    }
    case 'find':
      return sentOf(await on.getMessageById(order.reference))
    case 'edit': {
      const message = await on.getMessageById(order.reference)
      const edited = await message?.edit(order.text, { linkPreview: false }).catch(async (error: unknown) => {
        // It may have been deleted meanwhile.
        const now = await on.getMessageById(order.reference)
        if (now !== null && String(now.type) !== 'revoked') throw error
        return null
      })
      return { is: (edited ?? null) === null ? 'missing' : 'done' }
    }
    case 'chat':
      return { is: (await isThere(on, order.chat)) ? 'done' : 'missing' }
    case 'ping': {
      const state = await within(PAGE_MS, on.getState())
      tell({ report: 'state', state: String(state) })
      return { is: 'done' }
    }
  }
}

function sentOf(message: Message | null): Answer {
  if (message === null) return { is: 'missing' }
  return { is: 'sent', reference: message.id._serialized, ack: Number(message.ack ?? 0) }
}

/** Whether a number is on WhatsApp, or we are in the group; true also where that can't be told. */
async function isThere(on: Client, chat: string): Promise<boolean> {
  if (!chat.endsWith('@g.us')) return on.isRegisteredUser(chat)
  const group = await on.getChatById(chat).catch(async () => {
    // A group that was never known fails like any other trouble; the list of all chats tells them apart.
    return (await on.getChats()).find(({ id }) => id._serialized === chat)
  })
  if (group === undefined) return false
  if (!('participants' in group) || !Array.isArray(group.participants)) return true
  const people = group.participants.map(({ id }: { id: { _serialized: string } }) => id._serialized)
  // Groups may name people by other ids than their number (`…@lid`).
  return people.includes(on.info.wid._serialized) || people.some(id => id.endsWith('@lid'))
}

async function within<T>(ms: number, promise: T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the page does not answer within ${ms / 1000} s`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** As a unit it says that it is not stuck: the bot could only hang up on it, and systemd lets nobody else in. */
function watch(): void {
  const { WATCHDOG_USEC = '0' } = process.env
  if (Number(WATCHDOG_USEC) === 0) return
  const tell = () => execFile('systemd-notify', ['WATCHDOG=1'], () => {})
  setInterval(tell, Number(WATCHDOG_USEC) / 1000 / WATCHDOG_SHARE)
}
