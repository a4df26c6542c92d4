/** A message as the servers keep it. */
export interface Kept {
  readonly key: string
  readonly chat: string
  readonly type: string
  body: string
  readonly quoted: string | null
  atMs: number
  isEdited: boolean
  isRevoked: boolean
}

export interface ChatKept {
  readonly id: string
  readonly name: string
  /** Of a group: who is in it. */
  participants: string[]
}

/** WhatsApp refuses more (its clients stop at 65,536 characters). */
export const MOST_BODY_LENGTH = 65_536
/** A message can be edited up to 15 minutes after it was sent, as WhatsApp's help pages are quoted. */
export const EDIT_WINDOW_MS = 15 * 60_000

/** What the servers know: chats, messages, linked sessions; and the rules that they enforce. */
export interface Account {
  readonly me: string
  readonly chats: Map<string, ChatKept>
  readonly messages: Map<string, Kept>
  /** In words. */
  readonly breaches: string[]
  /** Takes a message, or says why not. One that is there already is taken again and changes nothing. */
  take(message: unknown): string | null
  edit(key: string, body: unknown): string | null
  /** Whether the chat can be found: a group that knows us, or a number on WhatsApp. */
  exists(chat: string): boolean
}

export function account(me: string): Account {
  const chats = new Map<string, ChatKept>()
  const messages = new Map<string, Kept>()
  const breaches: string[] = []

  function refuse(why: string): string {
    breaches.push(why)
    return why
  }

  return {
    me,
    chats,
    messages,
    breaches,
    exists: chat => chats.has(chat),
    take(message) {
      if (typeof message !== 'object' || message === null) return refuse('a message that is no object')
      const { key, chat, type, body, quoted } = message as Record<string, unknown>
      if (typeof key !== 'string' || typeof chat !== 'string' || !key.startsWith(`true_${chat}_3EB0`))
        return refuse(`a message with the key ${String(key)} for the chat ${String(chat)}`)
      if (type !== 'chat' || typeof body !== 'string' || body.trim() === '') return refuse('a message without text')
      if (body.length > MOST_BODY_LENGTH) return refuse(`a message of ${body.length} characters`)
      const known = chats.get(chat)
      if (known === undefined) return refuse(`a message to ${chat}, which there is not`)
      if (chat.endsWith('@g.us') && !known.participants.includes(me)) return 'not a member'
      if (messages.has(key)) return null
      const quotes = typeof quoted === 'string' ? quoted : null
      const more = { quoted: quotes, atMs: Date.now(), isEdited: false, isRevoked: false }
      messages.set(key, { key, chat, type, body, ...more })
      return null
    },
    edit(key, body) {
      const message = messages.get(key)
      if (message === undefined || message.isRevoked) return refuse(`an edit of ${key}, which there is not`)
      if (typeof body !== 'string' || body.trim() === '') return refuse('an edit without text')
      if (body.length > MOST_BODY_LENGTH) return refuse(`an edit of ${body.length} characters`)
      if (Date.now() - message.atMs > EDIT_WINDOW_MS) return refuse('an edit after more than 15 minutes')
      message.body = body
      message.isEdited = true
      return null
    },
  }
}
