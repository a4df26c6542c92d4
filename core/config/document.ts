import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, visit } from 'yaml'
import { explainSyntax } from './syntax.ts'

/** Keys and indexes from the top of the file. */
export type Path = readonly (string | number)[]

/** Something wrong at an offset of the text. */
export interface Finding {
  readonly offset: number
  readonly path: Path
  readonly message: string
  readonly hint: string
}

/** A parsed file: its plain value, and where each part of it stands. */
export interface SourceTree {
  /** Maps without a prototype, lists, text, numbers, booleans, null. Undefined when the file says nothing. */
  readonly value: unknown
  readonly findings: readonly Finding[]
  /** The text isn't YAML, or repeats too much by alias: `value` is not to be trusted. */
  readonly broken: boolean
  /** Offset of the key at `path`, or of the nearest key above that is there. */
  keyOffset(path: Path): number
  /** Offset of the value at `path`, or of the nearest key above that is there. */
  valueOffset(path: Path): number
  /** Start and end of the key, and of the value, at `path`, when there is one. */
  keyRange(path: Path): readonly [number, number] | undefined
  valueRange(path: Path): readonly [number, number] | undefined
}

const MAX_DEPTH = 24
const MAX_SYNTAX_FINDINGS = 20
/** Aliases repeat a part of the file; a few of aliases of aliases could fill the memory. */
const MAX_ALIASES = 100
const MAX_ALIASED_NODES = 10_000
const TOO_MANY_ALIASES = {
  message: 'repeats too much by alias',
  hint: `use at most ${MAX_ALIASES} aliases, and none inside another`,
}

/** Parses YAML (and JSON, which is a part of it). Never throws; what is wrong is in `findings`. */
export function parseSource(text: string): SourceTree {
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    prettyErrors: false,
    stringKeys: true,
    resolveKnownTags: false,
    // The library compares each key with each other: a flat map of 90,000 keys would take minutes. We look ourselves.
    uniqueKeys: false,
    logLevel: 'error',
  })
  const syntax = [...document.errors, ...document.warnings].map(error => ({
    offset: error.code === 'MISSING_CHAR' ? (openQuote(document, error.pos[0]) ?? error.pos[0]) : error.pos[0],
    path: [],
    ...explainSyntax(error.code),
  }))
  const start = offsetOf(document.contents) ?? 0
  const top: Place = { key: start, keyEnd: start, parts: new Map() }
  const read =
    syntax.length > 0
      ? { value: undefined, findings: firstOnEachSpot(syntax).slice(0, MAX_SYNTAX_FINDINGS), broken: true }
      : readTree(document, top)

  /** The place at `path`, or the nearest above that is there. */
  function find(path: Path): { place: Place; exact: boolean } {
    let place = top
    for (const step of path) {
      const next = place.parts.get(step)
      if (next === undefined) return { place, exact: false }
      place = next
    }
    return { place, exact: true }
  }
  return {
    ...read,
    keyOffset: path => find(path).place.key,
    valueOffset: path => {
      const { place, exact } = find(path)
      return exact ? (place.range?.[0] ?? place.key) : place.key
    },
    keyRange: path => {
      const { place, exact } = find(path)
      return exact ? [place.key, place.keyEnd] : undefined
    },
    valueRange: path => {
      const { place, exact } = find(path)
      return exact ? place.range : undefined
    },
  }
}

/** Where a value stands, and its key; places of the parts of a map or list are below. */
interface Place {
  readonly key: number
  readonly keyEnd: number
  /** Missing for a value without characters ("every:"): its key is what a person looks for. */
  readonly range?: readonly [number, number]
  readonly parts: Map<string | number, Place>
}

function readTree(document: Document, top: Place): { value: unknown; findings: Finding[]; broken: boolean } {
  const findings: Finding[] = []
  const open = new Set<Node>()
  let aliases = 0
  let aliasedNodes = 0
  let toldOfAliases = false
  const isExhausted = () => aliases > MAX_ALIASES || aliasedNodes > MAX_ALIASED_NODES

  function readNode(node: unknown, path: Path, place: Place, aliased: boolean): unknown {
    const offset = offsetOf(node) ?? 0
    if (aliased && ++aliasedNodes > MAX_ALIASED_NODES) return null
    if (path.length > MAX_DEPTH) {
      findings.push({
        offset,
        path,
        message: 'is nested too deeply',
        hint: 'no key needs this depth; check the brackets',
      })
      return null
    }
    if (isAlias(node)) {
      aliases += 1
      // Resolving searches the whole file, so it must not be done without a limit either.
      const target = isExhausted() ? undefined : node.resolve(document)
      const isLoose = target === undefined || open.has(target)
      if (isLoose && !isExhausted()) {
        findings.push({ offset, path, message: 'is an alias of itself or of nothing', hint: 'write the value out' })
      }
      const value = isLoose ? null : readNode(target, path, place, true)
      if (isExhausted() && !toldOfAliases) findings.push({ offset, path, ...TOO_MANY_ALIASES })
      toldOfAliases ||= isExhausted()
      return value
    }
    if (isScalar(node)) return asWritten(path, node.value) ? String(node.source ?? node.value) : node.value
    if (!isMap(node) && !isSeq(node)) return null
    open.add(node)
    const value = isSeq(node)
      ? node.items.map((item, index) => readNode(item, [...path, index], placed(place, index, item, item), aliased))
      : readMap(node.items, path, place, aliased)
    open.delete(node)
    return value
  }

  function readMap(pairs: readonly Pair[], path: Path, place: Place, aliased: boolean): Record<string, unknown> {
    const map: Record<string, unknown> = Object.create(null)
    for (const pair of pairs) {
      const name = keyOf(pair)
      const inner = [...path, name]
      const offset = offsetOf(pair.key) ?? 0
      if (name === '__proto__') {
        findings.push({ offset, path: inner, message: 'is not a usable name', hint: 'choose another' })
      } else if (Object.hasOwn(map, name)) {
        findings.push({ offset, path: inner, message: 'is written twice', hint: 'keep one of the two' })
      } else {
        map[name] = readNode(pair.value, inner, placed(place, name, pair.key, pair.value), aliased)
      }
    }
    return map
  }

  const value = document.contents === null ? undefined : readNode(document.contents, [], top, false)
  return { value, findings, broken: isExhausted() }
}

/** Where words are meant, a number means its digits: `sleep 010` is not `sleep 8`, a PORT of 8080 is "8080". */
const WORDS: readonly (readonly string[])[] = [
  ['services', '*', 'run', '*'],
  ['services', '*', 'env', '*'],
  ['services', '*', '*', 'exec', '*'],
  ['targets', '*', 'activate', '*'],
  ['targets', '*', 'checks', '*', 'exec', '*'],
  // Nix numbers its generations.
  ['targets', '*', 'irreversible', '*'],
  ['channels', 'whatsapp', 'browserArgs', '*'],
  ['fallback', '*'],
  ['operators', '*', 'telegram'],
  ['operators', '*', 'telegram', '*'],
  // YAML would lose digits of numbers as large as these.
  ['operators', '*', 'discord'],
  ['operators', '*', 'discord', '*'],
]

function asWritten(path: Path, value: unknown): boolean {
  if (typeof value !== 'number' && typeof value !== 'boolean') return false
  return WORDS.some(
    pattern => pattern.length === path.length && pattern.every((part, index) => part === '*' || part === path[index]),
  )
}

/** Remembers where a part of a map or list stands. */
function placed(above: Place, step: string | number, key: unknown, value: unknown): Place {
  const range = rangeOf(value)
  const [at, keyEnd] = rangeOf(key) ?? [above.key, above.keyEnd]
  const place: Place = {
    key: at,
    keyEnd,
    parts: new Map(),
    ...(range !== undefined && range[0] < range[1] ? { range } : {}),
  }
  above.parts.set(step, place)
  return place
}

/** The parser says several things about one spot; the first is the one that helps. */
function firstOnEachSpot(findings: readonly Finding[]): Finding[] {
  const spots = new Set<number>()
  return findings.filter(({ offset }) => !spots.has(offset) && spots.add(offset))
}

/** A quote that is never closed is missed at the end of the file; people look for where it begins. */
function openQuote(document: Document, missedAt: number): number | undefined {
  let start: number | undefined
  visit(document, {
    Scalar: (_, { range, type }) => {
      if ((type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE') && range && range[1] === missedAt) start = range[0]
    },
  })
  return start
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : ''
}

function offsetOf(node: unknown): number | undefined {
  return rangeOf(node)?.[0]
}

function rangeOf(node: unknown): readonly [number, number] | undefined {
  if ((isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) && node.range)
    return [node.range[0], node.range[1]]
  return undefined
}

/** Whether a value read from the file is a map. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
