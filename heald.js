#!/usr/bin/env node
// Plain JavaScript that an old Node can read: checks the version, then opens the source, or in a package its build.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const old = `heald: this is Node ${process.versions.node}, and heald needs Node 22.18 or newer (24 is best)
  In a clone of heald, "npm install" brings the right Node along: then use "npm start" or "npx heald ...".
  Elsewhere install Node 24 from https://nodejs.org or your distribution.
`
if (major < 22 || (major === 22 && minor < 18)) process.stderr.write(old, () => process.exit(2))
else {
  // Node 22 and 23 say of their SQLite that it may change; what is used of it has not, and a prompt is no place for it.
  const { emitWarning } = process
  if (major < 24)
    process.emitWarning = (text, ...more) => more[0] !== 'ExperimentalWarning' && emitWarning(text, ...more)
  // A clone can have a build too, which may be older than its source.
  const isClone = (await import('node:fs')).existsSync(new URL('heald.ts', import.meta.url))
  const { openCompileCache, slim } = await import(`${isClone ? '.' : './dist'}/core/cli/cache.js`)
  slim(process.argv.slice(2))
  openCompileCache(process.argv.slice(2))
  await import(isClone ? './heald.ts' : './dist/heald.js')
}
