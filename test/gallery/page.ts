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

/** One picture: the scenes of a group on one platform. A script of its own tells how high it is. */
export function pageOf(platform: Shown, { scenes }: Group): string {
  const body = scenes.map(scene => sceneHtml(platform, scene)).join('\n')
  const measure = 'document.documentElement.dataset.height = Math.ceil(document.body.getBoundingClientRect().height)'
  return `<!doctype html><meta charset="utf-8"><style>${LOOKS}${SHEET}</style><body class="${platform.name}">${body}<script>${measure}</script>`
}

function sceneHtml(platform: Shown, scene: Scene): string {
  const draw = (message: Message, answers: boolean) => {
    const reply = answers ? element('div', 'reply', escaped(`↩ ${scene.card.icon} ${scene.card.title}`)) : ''
    return element('div', 'message', reply, platform.draw(fit(message, platform.fits), { nowMs: scene.atMs, answers }))
  }
  const ping = scene.ping === null ? '' : draw(scene.ping, true)
  return element('div', 'scene', element('p', '', escaped(scene.caption)), draw(scene.card, false), ping)
}
