import type { MessageBus } from 'dbus-native'

export const DESTINATION = 'org.freedesktop.systemd1'

/** What systemd or the bus answered in the place of a result. `code` is the D-Bus name of the error. */
export class BusError extends Error {
  readonly code: string
  /** No answer came at all: whether the call was carried out, the next picture shows. */
  get isUnheard(): boolean {
    return UNHEARD.includes(this.code)
  }

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'BusError'
    this.code = code
  }
}

const UNHEARD = [
  'unreachable',
  ...['Disconnected', 'NoReply', 'Timeout'].map(name => `org.freedesktop.DBus.Error.${name}`),
]

/** To whom, of which interface, and how an answer is taken. */
export type Question = [
  path: string,
  of: string,
  member: string,
  signature: string,
  body: readonly unknown[],
  /** Told of the answer before any message that follows it. */
  hear?: (answer: unknown) => void,
]

/** Asks systemd. Rejects with a `BusError`. */
export function call(client: MessageBus, timeout: number, ...question: Question): Promise<unknown> {
  const [path, of, member, signature, body, hear] = question
  const message = { destination: DESTINATION, path, interface: of, member }
  return new Promise((resolve, reject) => {
    const asked = signature === '' ? message : { ...message, signature, body: [...body] }
    client.invoke(asked, { timeout }, (error, answer) => {
      if (error) return reject(busError(member, error))
      hear?.(answer)
      resolve(answer)
    })
  })
}

function busError(member: string, error: unknown): BusError {
  const { dbusName, name, message } = error as { dbusName?: string; name?: string; message?: string }
  return new BusError(dbusName ?? name ?? 'unknown', message ?? `${member} failed`, error)
}

export function unreachable(why: string): BusError {
  return new BusError('unreachable', `systemd can't be asked: ${why}`)
}
