import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The project's folder, absolute. */
export const ROOT = resolve(import.meta.dirname, '../..')

/** Every file of the project, new ones included and ignored ones not, relative to the root, sorted. */
export function projectFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  return [...new Set(listed.split('\0'))].filter(file => file !== '' && existsSync(join(ROOT, file))).sort()
}

export function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** Data that tests compare with byte for byte; it keeps the names and words it came with. */
export function isGolden(file: string): boolean {
  return file.startsWith('test/fixtures/golden/')
}

/** Fails with every finding at once: one long list is quicker to work off than one run for each. */
export function expectNone(findings: string[], rule: string): void {
  if (findings.length > 0) throw new Error(`${rule}\n${findings.map(finding => `  ${finding}`).join('\n')}`)
}
