/**
 * Where C2SP tlog-tiles keeps what: tiles of height 8, so 256 hashes each; tile level L holds the whole subtrees of
 * 256^L entries. https://c2sp.org/tlog-tiles
 */
export const TILE_HEIGHT = 8
export const TILE_WIDTH = 256

/** A number as path: groups of three digits, all but the last with an `x` before (1234067 is `x001/x234/067`). */
function numberPath(index: number): string {
  const groups: string[] = [String(index % 1000).padStart(3, '0')]
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`)
  return groups.join('/')
}

/** `tile/<L>/<N>`, with `.p/<W>` when it holds only `width` hashes yet. */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  return `tile/${level}/${numberPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** `tile/entries/<N>`: the entries of tile N of level 0. */
export function entriesPath(index: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${numberPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

export interface Tile {
  readonly level: number
  readonly index: number
  /** Hashes in it, 1 to 256. */
  readonly width: number
}

/** All tiles of a tree of `size` entries, level by level; levels without a whole subtree are left out. */
export function* tilesOf(size: number): Generator<Tile> {
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    for (let index = 0; index * TILE_WIDTH < count; index++)
      yield { level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) }
  }
}
