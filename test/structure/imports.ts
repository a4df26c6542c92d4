/** One import in a source file: `import`, `export … from`, `import()` or `require()`. */
export interface Import {
  readonly line: number
  readonly specifier: string
  /** Erased before the program runs: `import type …`, or braces that hold nothing but `type` names. */
  readonly typeOnly: boolean
}

const BARE = /^[ \t]*import\s*['"](?<specifier>[^'"\n]+)['"]/gm
const FROM =
  /^[ \t]*(?:import|export)\b(?<type>\s+type\b(?!\s*(?:,|from\s*['"])))?(?<names>[\w$\s,*{}]*?)\bfrom\s*['"](?<specifier>[^'"\n]+)['"]/gm
const CALL = /\b(?:import|require|import\.meta\.resolve)\(\s*['"`](?<specifier>[^'"`\n]+)['"`]/g
const COMMENT = /\/\*[\s\S]*?\*\/|(?<![:'"`/\\])\/\/.*$/gm

/**
 * Finds the imports of a TypeScript file by their shape, without a parser. Every file passes the formatter first, so
 * the shapes are few. Comments don't count. `import('…')` of a type (`typeof import('x')`) counts as a real import.
 */
export function importsOf(source: string): Import[] {
  // Comments become blanks of the same length, so that lines keep their numbers.
  const code = source.replaceAll(COMMENT, comment => comment.replaceAll(/[^\n]/g, ' '))
  const found: Import[] = []
  const lineAt = (offset: number) => code.slice(0, offset).split('\n').length
  for (const { groups = {}, index } of code.matchAll(FROM)) {
    const { type, names = '', specifier = '' } = groups
    const braces = /^\s*\{(?<list>[^}]*)\}\s*$/.exec(names)?.groups?.list
    const listed = (braces ?? '').split(',').filter(name => name.trim() !== '')
    const onlyTypes = listed.length > 0 && listed.every(name => /^\s*type\s/.test(name))
    found.push({ line: lineAt(index), specifier, typeOnly: type !== undefined || onlyTypes })
  }
  for (const shape of [BARE, CALL]) {
    for (const { groups = {}, index } of code.matchAll(shape)) {
      found.push({ line: lineAt(index), specifier: groups.specifier ?? '', typeOnly: false })
    }
  }
  return found.sort((a, b) => a.line - b.line)
}

/** The package a bare specifier names: `@slack/bolt` of `@slack/bolt/dist/x`, `zod` of `zod/v4`. */
export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
