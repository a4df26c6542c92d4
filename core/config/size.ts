import { kindOf, type Read } from './read.ts'

/** KiB is 1024 and kB is 1000, as the standards say; a single letter is 1024, as systemd and Docker read it. */
const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  ki: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mi: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gi: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
  t: 1024 ** 4,
  ti: 1024 ** 4,
  tib: 1024 ** 4,
  tb: 1000 ** 4,
}

const FORM = 'write a number with KiB, MiB, GiB, kB, MB or GB, like 512MiB'

/** Reads "512MiB", "1GB", "64k", "1.5 GiB" or a plain number of bytes into whole bytes. Capitals don't matter. */
export function parseSize(written: unknown): Read<number> {
  if (typeof written !== 'string' && typeof written !== 'number') {
    return { problem: `must be a size, not ${kindOf(written)}`, hint: FORM }
  }
  const text = String(written).trim()
  if (/^-/.test(text)) return { problem: 'must not be negative', hint: FORM }
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text) ?? []
  if (digits === '') return { problem: 'is not a size', hint: FORM }
  const lower = unit.toLowerCase()
  const factor = Object.hasOwn(UNIT_BYTES, lower) ? UNIT_BYTES[lower] : undefined
  if (factor === undefined) return { problem: `has an unknown unit: ${unit.slice(0, 20)}`, hint: FORM }
  const bytes = Math.round(Number(digits) * factor)
  if (!Number.isSafeInteger(bytes)) return { problem: 'is too large', hint: FORM }
  return { value: bytes }
}

/** A size for people: `900 B`, `64 KiB`, `1.5 GiB`, `512 MiB`. `parseSize` reads it back. */
export function formatSize(bytes: number): string {
  if (!Number.isFinite(bytes)) return '–'
  if (bytes < 0) return `-${formatSize(-bytes)}`
  if (bytes < 1023.5) return `${Math.round(bytes)} B`
  let value = bytes
  for (const unit of ['KiB', 'MiB', 'GiB', 'TiB']) {
    value /= 1024
    // 1023.5 would be written "1024 KiB": that is 1 MiB.
    if (value < 1023.5 || unit === 'TiB')
      return `${value < 99.95 ? Number(value.toFixed(1)) : Math.round(value)} ${unit}`
  }
  return `${bytes} B`
}
