import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { hasEmoji, shoot } from './browser.ts'
import { digestOf, noteDrawn } from './drawn.ts'
import { pageOf, WIDTH } from './page.ts'
import { PLATFORMS } from './platforms.ts'
import { scenesOn } from './scenes.ts'

// Draws docs/gallery/*.png: every card that people can get to see, on every platform, from the payloads that the adapters
// send. `npm run gallery -- telegram` draws only the pictures with that word in their name.

if (!(await hasEmoji())) {
  console.error('There is no font with emoji here, so cards would have boxes in them: install fonts-noto-color-emoji.')
  process.exit(1)
}
const FOLDER = resolve(import.meta.dirname, '../../docs/gallery')
const words = process.argv.slice(2)
const pages = mkdtempSync(join(tmpdir(), 'heald-gallery-pages-'))
mkdirSync(FOLDER, { recursive: true })
try {
  for (const platform of PLATFORMS)
    for (const group of scenesOn(platform.name)) {
      const name = `${platform.name}-${group.name}`
      if (words.length > 0 && !words.some(word => name.includes(word))) continue
      const html = join(pages, `${name}.html`)
      const png = join(FOLDER, `${name}.png`)
      const page = pageOf(platform, group)
      writeFileSync(html, page)
      await shoot(pathToFileURL(html).href, png, WIDTH)
      noteDrawn(name, digestOf(page))
      console.log(`docs/gallery/${name}.png  ${Math.ceil(statSync(png).size / 1024)} KB`)
    }
} finally {
  rmSync(pages, { recursive: true, force: true })
}
