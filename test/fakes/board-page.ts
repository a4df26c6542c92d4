import { LOOKS } from '../gallery/looks.ts'

const LAYOUT = `
html, body { height: 100% } body { background: #222; color: #eee; display: flex; flex-direction: column }
h1 { font-size: 15px; margin: 8px 12px } h1 span { font-weight: normal; opacity: .7 }
main { flex: 1; min-height: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(360px, 1fr)); grid-auto-rows: 1fr; gap: 6px; padding: 0 6px 6px }
section { display: flex; flex-direction: column; min-height: 0; border-radius: 6px; overflow: hidden }
h2 { margin: 0; padding: 5px 12px; font-size: 13px; background: #0002 } .messages { flex: 1; overflow: auto; padding: 8px 12px }
.message { margin-bottom: 8px } .person { opacity: .85; font-style: italic } .note { font-size: 11px; opacity: .6 }
form { display: flex } form[hidden] { display: none } input { flex: 1; font: inherit; padding: 6px 10px; border: 0; border-top: 1px solid #8886 }
`

// Runs in the browser. What it puts in as HTML was drawn and escaped by the board; all else is set as text.
const SCRIPT = `
const send = body => fetch('/do', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  .then(async answer => { if (!answer.ok) alert(await answer.text()) })
const make = (tag, name, text) => { const one = document.createElement(tag); one.className = name; one.textContent = text ?? ''; return one }
const places = new Map()
function placeOf(chat) {
  const key = chat.platform + ' ' + chat.id
  if (places.has(key)) return places.get(key)
  const place = make('section', chat.platform)
  const messages = make('div', 'messages')
  const form = make('form', ''), input = make('input', '')
  input.placeholder = '/status'
  form.append(input)
  form.hidden = chat.platform === 'whatsapp'
  form.onsubmit = event => { event.preventDefault(); if (input.value !== '') send({ platform: chat.platform, chat: chat.id, text: input.value }); input.value = '' }
  messages.onclick = ({ target }) => {
    const message = target.closest('.message')
    if (target.dataset.id !== undefined) send({ platform: chat.platform, chat: chat.id, message: message.dataset.message, button: target.dataset.id })
  }
  place.append(make('h2', '', chat.platform + ': ' + chat.title), messages, form)
  document.querySelector('main').append(place)
  places.set(key, messages)
  return messages
}
let shown = ''
async function look() {
  try {
    const text = await (await fetch('/chats')).text()
    if (text !== shown) for (const chat of JSON.parse(text)) {
      const place = placeOf(chat)
      const isAtEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40
      place.replaceChildren(...chat.messages.map(message => {
        const one = make('div', 'message' + (message.isOurs ? '' : ' person'))
        one.dataset.message = message.id
        if (message.replyTo !== null) one.append(make('div', 'reply', '↩ an answer'))
        const body = make('div', '')
        body.innerHTML = message.html
        const notes = [message.isSilent ? 'without a sound' : '', message.isEdited ? 'edited' : ''].filter(note => note !== '')
        one.append(body, make('div', 'note', notes.join(' · ')))
        return one
      }))
      if (isAtEnd) place.scrollTop = place.scrollHeight
    }
    shown = text
  } catch { shown = '' }
  setTimeout(look, 300)
}
look()
`

export const BOARD_PAGE = `<!doctype html><meta charset="utf-8"><title>heald: fake platforms</title><style>${LOOKS}${LAYOUT}</style>
<h1>Fake platforms <span>on this machine only; nothing here reaches Telegram, Discord, Slack or WhatsApp</span></h1><main></main><script>${SCRIPT}</script>`
