import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Path of the browser, `null` or '' for the one on the PATH; null where there is none. */
export function browserIn(path: string | null): string | null {
  if (path !== null && path !== '') return existsSync(path) ? path : null
  const folders = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  const places = BROWSERS.flatMap(name => folders.map(folder => join(folder, name)))
  return places.find(place => existsSync(place)) ?? null
}
