/** The built-in service that relays notices to chats. Where channels are configured, no other service may have this name. */
export const BOT = 'bot'
