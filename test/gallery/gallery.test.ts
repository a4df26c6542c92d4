import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fit } from '../../bot/fit.ts'
import { ROOT, textOf } from '../structure/project.ts'
import { drawDiscord } from './draw-discord.ts'
import { drawSlack } from './draw-slack.ts'
import { drawTelegram } from './draw-telegram.ts'
import { drawConsole, drawWhatsApp } from './draw-text.ts'
import { digestOf, readDrawn } from './drawn.ts'
import { pageOf } from './page.ts'
import { PLATFORMS } from './platforms.ts'
import { scenesOn } from './scenes.ts'

const MOST_BYTES = 300 * 1024
const scenesOf = (platform: string) => scenesOn(platform).flatMap(({ scenes }) => scenes)

test('every scene fits every platform as it is, and its words are whole', () => {
  const names = PLATFORMS.map(({ name }) => new Set(scenesOf(name).map(each => each.name)).size)
  assert.deepEqual(names, [27, 27, 27, 21, 21])
  for (const platform of PLATFORMS)
    for (const { name, atMs, card, ping } of scenesOf(platform.name))
      for (const message of ping === null ? [card] : [card, ping]) {
        assert.ok(platform.fits(fit(message, platform.fits)), `${name} on ${platform.name}`)
        const html = platform.draw(fit(message, platform.fits), { nowMs: atMs, answers: message === ping })
        assert.doesNotMatch(html, /undefined|NaN|\[object|Invalid Date/, `${name} on ${platform.name}`)
      }
})

test('whoever is woken reads the state, what heald does next and what to do, in this order', () => {
  for (const { name, card, ping } of scenesOf('telegram')) {
    if (ping === null) continue
    const text = ping.blocks.map(block => (block.block === 'text' ? block.text : '')).join('\n')
    assert.match(`${ping.title}\n${text}`, /^(Critical|Held): .* on web-1 [\s\S]*\nNext: heald .*\nYou: /, name)
    assert.equal(ping.title, card.title, name)
  }
})

test('what is drawn is text: no mark of a service becomes one of the page', () => {
  const evil = '<script>x</script><img src=x onerror=y>"\'&'
  const field = { name: evil, value: evil }
  const drawn = [
    drawTelegram({
      text: evil,
      entities: [{ type: 'bold', offset: 0, length: 8 }],
      keyboard: [[{ text: evil, callback_data: evil }]],
    }),
    drawDiscord(
      {
        content: evil,
        embeds: [{ title: evil, description: `\`\`\`${evil}\`\`\``, fields: [field], footer: { text: evil } }],
        components: [{ components: [{ label: evil, custom_id: evil }] }],
      },
      0,
    ),
    drawSlack({ text: evil, blocks: [] }),
    drawSlack({ text: '', blocks: [{ type: 'header', text: { type: 'plain_text', text: evil } }, { type: evil }] }),
    drawWhatsApp(`*${evil}*\n\`\`\`${evil}\`\`\``),
    drawConsole(`\u001b[31m${evil}\u001b[0m`),
  ]
  for (const html of drawn) {
    assert.doesNotMatch(html, /<(script|img)|="[^"]*<|="[^"]*'/)
    assert.match(html, /&lt;script&gt;/)
  }
})

test('the pictures that are checked in are shown, and are small', () => {
  const folder = join(ROOT, 'docs/gallery')
  const names = readdirSync(folder)
  const shown = textOf('docs/gallery.md') + textOf('README.md')
  for (const name of names) {
    assert.ok(shown.includes(`gallery/${name}`), `${name} is shown nowhere`)
    assert.ok(statSync(join(folder, name)).size < MOST_BYTES, `${name} is too large`)
  }
  for (const platform of PLATFORMS)
    for (const group of scenesOn(platform.name)) assert.ok(names.includes(`${platform.name}-${group.name}.png`))
})

test('the pictures that are checked in show the cards as they are now', () => {
  const drawn = readDrawn()
  const names = PLATFORMS.flatMap(platform =>
    scenesOn(platform.name).map(
      group => [`${platform.name}-${group.name}`, digestOf(pageOf(platform, group))] as const,
    ),
  )
  const stale = names.filter(([name, digest]) => drawn[name] !== digest).map(([name]) => name)
  assert.deepEqual(stale, [], 'draw them anew: npm run gallery')
})
