import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repacked } from './png.ts'

const run = promisify(execFile)
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** Headless Chromium over files of this machine; it can look up no name and reach no other host. */
export async function browse(url: string, ...flags: readonly string[]): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), 'heald-gallery-'))
  const argv = [
    '--headless',
    '--disable-gpu',
    '--hide-scrollbars',
    '--disable-lcd-text',
    `--user-data-dir=${profile}`,
    ...flags,
  ]
  // Chromium does not shut itself in when root starts it.
  if (process.getuid?.() === 0) argv.push('--no-sandbox')
  argv.push('--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', url)
  try {
    const { stdout } = await run(CHROMIUM, argv, { timeout: 60_000, maxBuffer: 16 << 20 })
    return stdout
  } finally {
    await rm(profile, { recursive: true, force: true })
  }
}

/** Whether there is a font with emoji, by the list that Chromium looks in too. */
export async function hasEmoji(): Promise<boolean> {
  const { stdout } = await run('fc-list', [':lang=und-zsye'], { timeout: 10_000 })
  return stdout.trim() !== ''
}

/** The page as a picture, as high as it is. */
export async function shoot(url: string, png: string, width: number): Promise<void> {
  const dom = await browse(url, `--window-size=${width},800`, '--dump-dom')
  const height = Number(/data-height="(\d+)"/.exec(dom)?.[1])
  if (!Number.isSafeInteger(height)) throw new Error(`${url} does not say how high it is`)
  await browse(url, `--window-size=${width},${height}`, `--screenshot=${png}`)
  await writeFile(png, repacked(await readFile(png)))
}
