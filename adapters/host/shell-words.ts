/** A word as a POSIX shell reads it back, whatever is in it. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** Lines that set these variables, for a shell and what it runs; without those that no shell can set. */
export function exported(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .filter(([name]) => /^[A-Za-z_]\w*$/.test(name))
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join('')
}
