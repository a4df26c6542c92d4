import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
const MOST_COLOURS = 256

/** Of the palette: for colours that are seldom but like no other, as of an icon. */
const RARE = 48

/** The same picture with a palette of 256 colours, which is a fraction of the bytes. From RFC 2083. */
export function repacked(png: Buffer): Buffer {
  const { header, data } = read(png)
  const [width, height, depth, kind] = [header.readUInt32BE(0), header.readUInt32BE(4), header[8], header[9]]
  if (depth !== 8 || (kind !== 2 && kind !== 6)) throw new Error('only pictures in true colour can be packed')
  const size = kind === 6 ? 4 : 3
  const pixels = unfiltered(inflateSync(data), width * size, height, size)
  const colours = new Uint32Array(width * height)
  const counts = new Map<number, number>()
  for (let n = 0; n < colours.length; n += 1) {
    const colour = pixels.readUIntBE(n * size, 3)
    colours[n] = colour
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const palette = paletteOf([...counts].sort((a, b) => b[1] - a[1]).map(([colour]) => colour))
  const indexes = new Map<number, number>([...counts.keys()].map(colour => [colour, nearest(palette, colour)]))
  const rows = Buffer.alloc((width + 1) * height)
  for (const [n, colour] of colours.entries())
    rows[Math.floor(n / width) * (width + 1) + 1 + (n % width)] = indexes.get(colour) ?? 0
  const named = Buffer.from(header)
  named[9] = 3
  const table = Buffer.from(palette.flatMap(colour => [colour >> 16, (colour >> 8) & 255, colour & 255]))
  const chunks = [chunk('IHDR', named), chunk('PLTE', table), chunk('IDAT', deflateSync(rows, { level: 9 }))]
  return Buffer.concat([SIGNATURE, ...chunks, chunk('IEND', Buffer.alloc(0))])
}

function read(png: Buffer): { readonly header: Buffer; readonly data: Buffer } {
  const parts: Buffer[] = []
  let header = Buffer.alloc(0)
  for (let at = SIGNATURE.length; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const type = png.toString('latin1', at + 4, at + 8)
    const body = png.subarray(at + 8, at + 8 + png.readUInt32BE(at))
    if (type === 'IHDR') header = Buffer.from(body)
    else if (type === 'IDAT') parts.push(body)
  }
  return { header, data: Buffer.concat(parts) }
}

/** Each line is written as its difference to what stands left and above, in one of five ways. */
function unfiltered(raw: Buffer, stride: number, height: number, size: number): Buffer {
  const out = Buffer.alloc(stride * height)
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)] ?? 0
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x
      const left = x < size ? 0 : (out[at - size] ?? 0)
      const above = y === 0 ? 0 : (out[at - stride] ?? 0)
      const corner = x < size || y === 0 ? 0 : (out[at - stride - size] ?? 0)
      const guesses = [0, left, above, (left + above) >> 1, paeth(left, above, corner)]
      out[at] = (raw[at + y + 1] ?? 0) + (guesses[filter] ?? 0)
    }
  }
  return out
}

function paeth(left: number, above: number, corner: number): number {
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)]
  if (a <= b && a <= c) return left
  return b <= c ? above : corner
}

/** The most frequent colours, then again and again the one that is farthest from all of them. */
function paletteOf(frequentFirst: readonly number[]): number[] {
  const palette = frequentFirst.slice(0, MOST_COLOURS - RARE)
  const rest = frequentFirst.slice(palette.length)
  const far = rest.map(colour => distance(colour, palette[nearest(palette, colour)] ?? 0))
  while (palette.length < Math.min(MOST_COLOURS, frequentFirst.length)) {
    const farthest = rest[far.indexOf(Math.max(...far))] ?? 0
    palette.push(farthest)
    for (const [index, colour] of rest.entries()) far[index] = Math.min(far[index] ?? 0, distance(colour, farthest))
  }
  return palette
}

function nearest(palette: readonly number[], colour: number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (const [index, each] of palette.entries()) {
    const far = distance(each, colour)
    if (far < least) [best, least] = [index, far]
  }
  return best
}

function distance(one: number, other: number): number {
  const red = (one >> 16) - (other >> 16)
  const green = ((one >> 8) & 255) - ((other >> 8) & 255)
  const blue = (one & 255) - (other & 255)
  return red * red + green * green + blue * blue
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}
