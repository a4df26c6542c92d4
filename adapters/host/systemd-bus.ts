import type { MessageBus } from 'dbus-native'
import { BusError, call, DESTINATION, type Question, unreachable } from './bus-call.ts'
import { callGate } from './call-gate.ts'

/*
 * Life of a connection to systemd
 *
 * 1. The system bus is dialled; where it does not answer and we are root, systemd's own socket, which needs no bus.
 * 2. Subscribe first: from then on no change can be missed. Then `up` is told, and whoever keeps a picture reads it anew.
 * 3. The bus goes, or systemd re-executes itself: the same again, from 1 or from 2.
 */

/** A connection to systemd that comes back by itself. */
export interface SystemdBus {
  /** Calls a method of the manager. Rejects with a `BusError` when it says no, there is no connection or no answer. */
  manager(member: string, signature: string, body: readonly unknown[]): Promise<unknown>
  /**
   * Hands all properties of the unit at `path`, of all interfaces, to `take`, in the answer's own place among the signals:
   * whoever awaited it would take it after later signals of the same chunk, and believe the older word.
   */
  properties(path: string, take: (properties: Record<string, unknown>) => void): Promise<void>
  /** One property of one interface (`Unit`, `Service`). Rejects as `manager` does. */
  property(path: string, of: string, name: string): Promise<unknown>
  isUp(): boolean
  /** Hangs up and dials anew: it does not answer. */
  renew(why: string): void
  /** Ends it for good. */
  close(): void
}

export interface BusEvents {
  /** Connected and subscribed. What was known before may be old. */
  up(): void
  /** systemd re-executes itself, or may have done so. Told before any picture that it makes afterwards. */
  renewed(): void
  /** Told once for each time that it goes; words on why. */
  down(why: string): void
  /** Properties of the unit at `path` changed: of one interface, as it is now. */
  changed(path: string, properties: Record<string, unknown>, isLast: boolean): void
  /** A job of a unit, by its object path, is over: `done`, `failed`, `canceled`, … */
  jobRemoved(unit: string, job: string, result: string): void
  /** systemd has read its unit files anew. */
  reloaded(): void
  /** systemd has come to know another unit. */
  unitNew(): void
}

const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket'
const PRIVATE_SOCKET = 'unix:path=/run/systemd/private'
const OBJECT = '/org/freedesktop/systemd1'
const MANAGER = 'org.freedesktop.systemd1.Manager'
const PROPERTIES = 'org.freedesktop.DBus.Properties'
const BUS = 'org.freedesktop.DBus'
const UNIT_PATHS = `${OBJECT}/unit/`
const SIGNAL = 4

const CALL_MS = 10_000
const DIAL_MS = 5000
/** dbus-daemon refuses a call that would be the 129th without an answer (`max_replies_per_connection`). */
const MOST_CALLS = 64
const NUDGE_MS = 20
const FIRST_WAIT_MS = 20
const MOST_WAIT_MS = 1000

const RULES = [
  `type='signal',sender='${DESTINATION}',interface='${PROPERTIES}',member='PropertiesChanged',path_namespace='${OBJECT}/unit'`,
  `type='signal',sender='${DESTINATION}',interface='${MANAGER}',path='${OBJECT}'`,
  `type='signal',sender='${BUS}',member='NameOwnerChanged',arg0='${DESTINATION}'`,
]

interface Message {
  readonly type?: number
  /** The bus writes it: the connection's own name, or that of the bus itself. */
  readonly sender?: string
  readonly path?: string
  readonly interface?: string
  readonly member?: string
  readonly body?: readonly unknown[]
}

/** Dials at once and goes on for ever. */
export function openSystemdBus(events: BusEvents): SystemdBus {
  const address = process.env.DBUS_SYSTEM_BUS_ADDRESS
  const places =
    address !== undefined ? [address] : process.getuid?.() === 0 ? [SYSTEM_BUS, PRIVATE_SOCKET] : [SYSTEM_BUS]
  const gate = callGate(MOST_CALLS)
  let client: MessageBus | null = null
  /** Told `up`, and not yet `down`. */
  let isUp = false
  let isClosed = false
  /** Who may speak for systemd on this bus: anybody may send us signals that look like its own. Null: nobody yet, or it is gone. */
  let owner: string | null = null
  let isDirect = false
  /** The connection before was to systemd's own socket. */
  let wasDirect = false
  let tries = 0
  let timer: NodeJS.Timeout | undefined
  let lastWhy = 'not connected yet'

  async function dial(): Promise<void> {
    const place = places[tries % places.length] ?? SYSTEM_BUS
    tries += 1
    const dbus = await import('dbus-native')
    if (isClosed || client !== null) return
    let mine: MessageBus | null = null
    try {
      const direct = place === PRIVATE_SOCKET
      const made = dbus.createClient({
        ...{ busAddress: place, authMethods: ['EXTERNAL'], returnBigInt: false, ayBuffer: true, timeout: CALL_MS },
        ...(direct ? { direct } : {}),
      })
      client = made
      mine = made
      owner = null
      isDirect = direct
      // It is followed by `close`, where it is dealt with.
      made.connection.on('error', (error: Error) => {
        lastWhy = error.message
      })
      made.connection.on('close', () => lost(made))
      made.connection.on('message', (message: Message) => take(made, message))
      await subscribe(made, direct)
    } catch (error) {
      lastWhy = error instanceof Error ? error.message : String(error)
      if (mine === null) dialSoon()
      hangUp(mine)
    }
  }

  async function subscribe(to: MessageBus, direct: boolean): Promise<void> {
    // In order on one connection: no need to wait for each.
    const asked = direct ? [] : [...RULES.map(rule => askBus(to, 'AddMatch', rule)), findOwner(to)]
    // On its own socket systemd does not look at a first call that came together with the end of the greeting, until more
    // comes: tried, one in twelve.
    const nudge = () => call(to, DIAL_MS, OBJECT, 'org.freedesktop.DBus.Peer', 'Ping', '', []).catch(() => {})
    const timer = direct ? setInterval(nudge, NUDGE_MS) : undefined
    await Promise.all([...asked, subscribeAgain(to)]).finally(() => clearInterval(timer))
    if (client !== to || isClosed) return
    tries = 0
    lastWhy = 'it hung up'
    isUp = true
    // When its own socket closes, systemd may have re-executed itself.
    if (direct || wasDirect) events.renewed()
    wasDirect = direct
    events.up()
  }

  /** Whoever is subscribed already is told so by an error. */
  async function subscribeAgain(to: MessageBus): Promise<void> {
    try {
      await call(to, DIAL_MS, OBJECT, MANAGER, 'Subscribe', '', [])
    } catch (error) {
      if (!(error instanceof BusError && error.code === `${DESTINATION}.AlreadySubscribed`)) throw error
    }
  }

  /** Whoever comes or goes afterwards is told by NameOwnerChanged, which may be taken before this is. */
  async function findOwner(of: MessageBus): Promise<void> {
    try {
      const found = String(await askBus(of, 'GetNameOwner', DESTINATION))
      if (of === client) owner ??= found
    } catch (error) {
      if ((error as { dbusName?: string }).dbusName !== `${BUS}.Error.NameHasNoOwner`) throw error
    }
  }

  function askBus(to: MessageBus, member: string, word: string): PromiseLike<unknown> {
    return to.invokeDbus({ member, signature: 's', body: [word] }, { timeout: DIAL_MS })
  }

  function take(from: MessageBus, message: Message): void {
    const { type, sender, path = '', interface: of = '', member, body = [] } = message
    if (type !== SIGNAL || from !== client) return
    if (!isDirect && sender === BUS) {
      if (member === 'NameOwnerChanged' && body[0] === DESTINATION) ownerChanged(from, String(body[2]))
    } else if (!isDirect && (owner === null || sender !== owner)) {
      return
    } else if (of === PROPERTIES && path.startsWith(UNIT_PATHS)) {
      const [changed, properties] = body as [string, Record<string, unknown>]
      // systemd sends the interface of the unit's type first, then the one of all units.
      events.changed(path, properties, changed === 'org.freedesktop.systemd1.Unit')
    } else if (of === MANAGER) {
      if (member === 'UnitNew') events.unitNew()
      else if (member === 'JobRemoved') events.jobRemoved(String(body[2]), String(body[1]), String(body[3]))
      else if (member === 'Reloading' && body[0] === false) events.reloaded()
    }
  }

  function ownerChanged(from: MessageBus, now: string): void {
    owner = now === '' ? null : now
    events.renewed()
    // Gone for the moment. Once it is back, it may have forgotten who listens.
    if (owner === null) return
    subscribeAgain(from).then(
      () => from === client && isUp && events.up(),
      () => hangUp(from),
    )
  }

  function lost(from: MessageBus): void {
    if (client !== from) return
    client = null
    const wasUp = isUp
    isUp = false
    if (isClosed) return
    if (wasUp) events.down(lastWhy)
    dialSoon()
  }

  function dialSoon(): void {
    // Both places are tried before the first pause.
    const round = Math.floor(tries / places.length)
    clearTimeout(timer)
    timer = setTimeout(dial, Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** round))
    timer.unref()
  }

  function hangUp(which: MessageBus | null): void {
    which?.connection.stream.destroy()
    if (which !== null) lost(which)
  }

  async function ask(...question: Question): Promise<unknown> {
    if (client === null || !isUp) throw unreachable(lastWhy)
    return call(client, CALL_MS, ...question)
  }

  void dial()

  return {
    manager: (...order) => gate(() => ask(OBJECT, MANAGER, ...order)),
    async properties(path, take) {
      const hear = (answer: unknown) => take(answer as Record<string, unknown>)
      await gate(() => ask(path, PROPERTIES, 'GetAll', 's', [''], hear))
    },
    property: (path, of, name) => gate(() => ask(path, PROPERTIES, 'Get', 'ss', [`${DESTINATION}.${of}`, name])),
    isUp: () => isUp,
    renew(why) {
      lastWhy = why
      hangUp(client)
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      client?.connection.stream.destroy()
    },
  }
}

/** The object path of a unit: what is no letter or digit is written as its number. */
export function pathOf(unit: string): string {
  const escaped = [...Buffer.from(unit, 'utf8')].map((byte, at) => {
    const letter = String.fromCharCode(byte)
    return /[A-Za-z]/.test(letter) || (at > 0 && /\d/.test(letter)) ? letter : `_${byte.toString(16).padStart(2, '0')}`
  })
  return UNIT_PATHS + escaped.join('')
}
