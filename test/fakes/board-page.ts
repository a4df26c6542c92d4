import { LOOKS } from '../gallery/looks.ts'

const LAYOUT = `
html, body { height: 100% } body { background: #222; color: #eee; display: flex; flex-direction: column }
h1 { font-size: 15px; margin: 8px 12px } h1 span { font-weight: normal; opacity: .7 }
main { flex: 1; min-height: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(360px, 1fr)); grid-auto-rows: 1fr; gap: 6px; padding: 0 6px 6px }
section { display: flex; flex-direction: column; min-height: 0; border-radius: 6px; overflow: hidden }
h2 { margin: 0; padding: 5px 12px; font-size: 13px; background: #0002 } .messages { flex: 1; overflow: auto; padding: 8px 12px }
.message { margin-bottom: 8px } .private { outline: 1px dashed #8888; outline-offset: 3px } .person { opacity: .85; font-style: italic } .note { font-size: 11px; opacity: .6 }
form { display: flex } form[hidden] { display: none } .file pre { max-height: 200px; overflow: auto }
.code { flex-wrap: wrap; align-items: center; gap: 6px; padding: 10px 12px; border-top: 2px solid #5865f2; background: #8882 } .code b { width: 100% } .code input { width: 0; border: 1px solid #8886 }
@media (max-width: 760px) { html, body { height: auto } main { grid-template-columns: minmax(0, 1fr); grid-auto-rows: 80vh } .discord .fields { grid-template-columns: 1fr 1fr } }
 input { flex: 1; font: inherit; padding: 6px 10px; border: 0; border-top: 1px solid #8886 }
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
  const code = make('form', 'code')
  place.append(make('h2', '', chat.platform + ': ' + chat.title), messages, code, form)
  document.querySelector('main').append(place)
  const showForm = title => {
    if (code.dataset.title === String(title)) return
    code.dataset.title = String(title)
    code.hidden = title === null
    const digits = make('input', ''), cancel = make('button', '', 'Cancel')
    digits.placeholder = 'six digits'; digits.autocomplete = 'off'; digits.inputMode = 'numeric'
    cancel.type = 'button'
    cancel.onclick = () => send({ platform: chat.platform, chat: chat.id, code: null })
    code.onsubmit = event => { event.preventDefault(); send({ platform: chat.platform, chat: chat.id, code: digits.value }) }
    code.replaceChildren(make('b', '', title), digits, make('button', 'primary', 'Send'), cancel)
    if (title !== null) digits.focus()
  }
  places.set(key, { messages, showForm, drawn: new Map() })
  return places.get(key)
}
function draw(message) {
  const one = make('div', 'message' + (message.isOurs ? '' : ' person') + (message.isPrivate ? ' private' : ''))
  one.dataset.message = message.id
  if (message.replyTo !== null) one.append(make('div', 'reply', '↩ an answer'))
  const body = make('div', '')
  body.innerHTML = message.html
  const notes = [message.isPrivate ? 'only you can see this' : '', message.isSilent ? 'without a sound' : '', message.isEdited ? 'edited' : ''].filter(note => note !== '')
  one.append(body, make('div', 'note', notes.join(' · ')))
  return one
}
let shown = ''
async function look() {
  try {
    const text = await (await fetch('/chats')).text()
    const chats = text === shown ? [] : JSON.parse(text)
    // All of them have their place before any is filled, or those that come later would take its height.
    chats.forEach(placeOf)
    for (const chat of chats) {
      const { messages: place, showForm, drawn } = placeOf(chat)
      const isAtEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40
      showForm(chat.form)
      for (const [at, message] of chat.messages.entries()) {
        // What is the same stays, so that nothing moves under somebody's finger.
        const as = JSON.stringify(message), before = drawn.get(message.id)
        const one = before?.as === as ? before.one : draw(message)
        if (before !== undefined && before.one !== one) before.one.remove()
        drawn.set(message.id, { as, one })
        if (place.children[at] !== one) place.insertBefore(one, place.children[at] ?? null)
      }
      while (place.children.length > chat.messages.length) place.lastChild.remove()
      if (isAtEnd) place.scrollTop = place.scrollHeight
    }
    shown = text
  } catch { shown = '' }
  setTimeout(look, 300)
}
look()
`

export const BOARD_PAGE = `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>heald: fake platforms</title><style>${LOOKS}${LAYOUT}</style>
<h1>Fake platforms <span>on this machine only; nothing here reaches Telegram, Discord, Slack or WhatsApp</span></h1><main></main><script>${SCRIPT}</script>`
