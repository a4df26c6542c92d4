import { basename, extname } from 'node:path'
import { test } from 'node:test'
import { expectNone, isGolden, projectFiles, textOf } from './project.ts'

const MAX_LINES = 300

/** Everything that may stand in the root: folders, the front door, and the files that tools expect there. */
const ROOT_ENTRIES = [
  ...['.ci', 'adapters', 'bot', 'core', 'docs', 'nix', 'test'],
  ...[
    'heald.ts',
    'heald.js',
    'flake.nix',
    'flake.lock',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'biome.json',
  ],
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'LICENSE'],
  ...['.editorconfig', '.gitattributes', '.gitignore', '.npmrc', '.npmignore'],
]

test('the root holds only what a newcomer expects there', () => {
  const entries = new Set(projectFiles().map(file => file.split('/')[0] ?? ''))
  expectNone(
    [...entries].filter(entry => !ROOT_ENTRIES.includes(entry)),
    'These belong in a folder:',
  )
})

test('files and folders are named in kebab-case words, after what they hold', () => {
  const inFolders = projectFiles().filter(file => file.includes('/') && !file.startsWith('.') && !isGolden(file))
  const findings = inFolders.flatMap(file => {
    const words = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/
    // Python can import only names with underscores.
    const name = extname(file) === '.py' ? basename(file).replaceAll('_', '-') : basename(file)
    const folders = file.split('/').slice(0, -1)
    const stem = name.split('.')[0] ?? ''
    if (![name, ...folders].every(part => words.test(part))) return [`${file}: not kebab-case`]
    if ([stem, ...folders].some(part => /^(utils?|helpers?|common|misc|shared|lib)$/.test(part)))
      return [`${file}: says nothing about what it holds`]
    if (stem === 'index') return [`${file}: a barrel hides where things are; import the file itself`]
    return []
  })
  expectNone(findings, 'These names break the rule in CONTRIBUTING.md:')
})

test(`no source file has over ${MAX_LINES} lines`, () => {
  const sources = projectFiles().filter(file => /\.([cm]?[jt]s|sh|py|nix)$/.test(file) && !isGolden(file))
  const findings = sources
    .map(file => ({ file, lines: textOf(file).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
  expectNone(
    findings.map(({ file, lines }) => `${file}: ${lines} lines`),
    'One file holds one concept; these are too long:',
  )
})
