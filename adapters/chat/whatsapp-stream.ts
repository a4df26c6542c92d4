import type { Duplex } from 'node:stream'
import type { Order, Report } from './whatsapp-wire.ts'

// Bot and child talk over a stream, one line of JSON after another. Neither side may fill the other's memory.

const MOST_BYTES = 1 << 20

/** Whoever reads so little that a megabyte waits for it is hung up on. */
export function say(stream: Duplex, value: Order | Report): void {
  if (!stream.writable) return
  if (stream.writableLength > MOST_BYTES) stream.destroy()
  else stream.write(`${JSON.stringify(value)}\n`)
}

/** `hear` gets the value of each line, null for one that is no JSON. Who sends a line without end is hung up on. */
export function listen(stream: Duplex, hear: (value: unknown) => void): void {
  let rest = ''
  // What is wrong with it shows in its end.
  stream.on('error', () => {})
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) hear(jsonIn(line))
    if (rest.length > MOST_BYTES) stream.destroy()
  })
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
