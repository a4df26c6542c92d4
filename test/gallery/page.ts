import { fit } from '../../bot/fit.ts'
import type { Message } from '../../bot/message.ts'
import { LOOKS } from './looks.ts'
import { element, escaped } from './mark.ts'
import type { Shown } from './platforms.ts'
import type { Group, Scene } from './scenes.ts'

export const WIDTH = 1000

const SHEET = `
body { width: ${WIDTH}px; padding: 12px 18px; columns: 2; column-gap: 18px }
.scene { break-inside: avoid; margin: 0 0 20px } .scene > p { margin: 0 0 6px; font-size: 12.5px; opacity: .75; font-style: italic }
.message { margin-bottom: 8px }
`

const SAID = `
.said { margin: 0 0 6px; font-weight: bold } .said .note { margin-left: 10px; font-weight: normal; font-size: 11px; opacity: .7 }
`

/** One picture: the scenes of a group on one platform. A script of its own tells how high it is. */
export function pageOf(platform: Shown, { scenes }: Group): string {
  const body = scenes.map(scene => sceneHtml(platform, scene)).join('\n')
  const style = scenes.some(({ said }) => said !== undefined) ? SHEET + SAID : SHEET
  const measure = 'document.documentElement.dataset.height = Math.ceil(document.body.getBoundingClientRect().height)'
  return `<!doctype html><meta charset="utf-8"><style>${LOOKS}${style}</style><body class="${platform.name}">${body}<script>${measure}</script>`
}

function sceneHtml(platform: Shown, scene: Scene): string {
  const draw = (message: Message, answers: boolean) => {
    const reply = answers ? element('div', 'reply', escaped(`↩ ${scene.card.icon} ${scene.card.title}`)) : ''
    return element('div', 'message', reply, platform.draw(fit(message, platform.fits), { nowMs: scene.atMs, answers }))
  }
  const ping = scene.ping === null ? '' : draw(scene.ping, true)
  const caption = element('p', '', escaped(scene.caption))
  return element('div', 'scene', caption, saidHtml(platform, scene), draw(scene.card, false), ping)
}

/** What the card answers to, and whether anybody else sees that. */
function saidHtml({ name }: Shown, { said }: Scene): string {
  if (said === undefined) return ''
  const note = name === 'telegram' ? '' : element('span', 'note', escaped('only you can see the answer'))
  return element('div', 'said', escaped(said), note)
}
