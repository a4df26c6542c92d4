/** Words of a command line, as systemd reads it. */
export function commandLine(words: readonly string[]): string {
  return words
    .map(word => `"${word.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`)
    .join(' ')
}

/** The word behind `option` in the command that a unit's file starts, as it was given to `commandLine`; null: none. */
export function wordAfter(option: string, unit: string): string | null {
  const start = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? ''
  const words = [...start.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) =>
    word.replaceAll(/\\(.)|%%|\$\$/g, (two, escaped?: string) => escaped ?? two.slice(1)),
  )
  const at = words.indexOf(option)
  return at < 0 ? null : (words[at + 1] ?? null)
}
