import { isRecord, type Path, type SourceTree } from './document.ts'
import { TOKENS } from './secret-leaf.ts'

/** A line of the file fit to be shown: no secret, no control character, not endless. */
export interface Excerpt {
  readonly text: string
  /** Index into `text` of the place meant. */
  readonly caret: number
}

export interface Position {
  readonly line: number
  readonly column: number
}

export interface Lines {
  position(offset: number): Position
  /** The line around `offset`, masked. */
  excerpt(offset: number): Excerpt
}

const WIDTH = 100
const MASK = '•'

/**
 * Lines, columns (both from 1) and showable excerpts of a file's text: values of `env`, what stands under the
 * `hidden` paths, and what looks like a token, are masked.
 */
export function linesOf(text: string, tree: SourceTree, hidden: readonly Path[]): Lines {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)

  function lineIndex(offset: number): number {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low
  }
  const masked = [...environmentPaths(tree.value), ...hidden].flatMap((path): (readonly [number, number])[] => {
    const key = tree.keyRange(path)
    if (key === undefined) return []
    // Everything after the key: an anchor or a comment there can be a secret that was meant to be the value.
    const lineEnd = text.indexOf('\n', key[1])
    const end = tree.valueRange(path)?.[1] ?? (lineEnd < 0 ? text.length : lineEnd)
    const step = path.at(-1)
    // "TOKEN=secret" or "TOKEN secret": somebody took the key for a place for both. In a list there is no key to show.
    return [[typeof step === 'string' && isName(step) ? key[1] + 1 : key[0], end]]
  })
  const firstEnv = /\b(env|token|botToken|appToken|signingSecret)["']?\s*:/i.exec(text)?.index ?? text.length

  return {
    position: offset => {
      const index = lineIndex(Math.min(offset, text.length))
      return { line: index + 1, column: Math.min(offset, text.length) - (starts[index] ?? 0) + 1 }
    },
    excerpt: offset => {
      const index = lineIndex(Math.min(offset, text.length))
      const start = starts[index] ?? 0
      const next = (starts[index + 1] ?? text.length + 1) - 1
      const end = text[next - 1] === '\r' && next > start ? next - 1 : next
      const from = Math.max(start, Math.min(offset - 40, end - WIDTH))
      const to = Math.min(end, from + WIDTH)
      const ranges = masked.filter(([first, last]) => first < to && last > from)
      for (const token of text.slice(start, end).matchAll(TOKENS))
        ranges.push([start + token.index, start + token.index + token[0].length])
      // In a file that isn't YAML nobody knows where a value of env ends: from the first "env:" or "token:" on show keys only.
      if (tree.broken && end >= firstEnv) {
        const key = /^[\s{]*(- )?(["']?)[\w.-]{1,64}\2\s*:/.exec(text.slice(start, end))?.[0] ?? ''
        ranges.push([start + key.length, end])
      }
      let shown = ''
      for (let at = from; at < to; at++) {
        const isMasked = ranges.some(([first, last]) => at >= first && at < last)
        shown += isMasked && text[at] !== ' ' ? MASK : plain(text.charAt(at))
      }
      return { text: shown.trimEnd(), caret: Math.max(0, offset - from) }
    },
  }
}

/** Whether a key is one that could be meant as a key, and can be shown. */
export function isName(key: string): boolean {
  return /^([\w.-]{1,64}|<<)$/.test(key)
}

/** Text that can be printed: control characters (a terminal would obey them) become a dot. */
function plain(text: string): string {
  return text.replaceAll('\t', ' ').replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '·')
}

/** Every value under an `env`, wherever the writer put it. */
function environmentPaths(value: unknown): Path[] {
  const paths: Path[] = []
  const walk = (node: unknown, path: Path): void => {
    if (Array.isArray(node)) for (const [index, item] of node.entries()) walk(item, [...path, index])
    else if (isRecord(node)) {
      for (const [key, item] of Object.entries(node)) {
        if (key === 'env' && isRecord(item)) for (const name of Object.keys(item)) paths.push([...path, key, name])
        else if (key === 'env') paths.push([...path, key])
        else walk(item, [...path, key])
      }
    }
  }
  walk(value, [])
  return paths
}
