// The page's link to the servers: one WebSocket, kept up for ever. What was sent and not acknowledged is sent again, with
// the same id, once the link stands again; the server knows an id that it has.

{
  const { keepAliveMs } = globalThis.fakeSettings
  const { Emitter, Model, Collection, Wid, MsgKey, Msg } = globalThis.fakeModels
  const Socket = new Model({ state: 'OPENING', hasSynced: false })
  const Conn = new Model({ ref: undefined, pushname: undefined, platform: undefined })
  const Cmd = new Emitter()
  const Msgs = new Collection(Msg)
  const Chats = new Collection(Model)
  Msgs.getMessagesById = async ids => ({ messages: ids.map(id => Msgs.get(id)).filter(Boolean) })
  const me = new Wid(globalThis.fakeSettings.me)

  let socket
  let count = 0
  const calls = new Map()
  const unsent = new Map()
  const tell = data => socket?.readyState === WebSocket.OPEN && socket.send(JSON.stringify(data))

  function call(op, data) {
    count += 1
    const id = count
    return new Promise((resolve, reject) => {
      calls.set(id, { resolve, reject })
      tell({ op, id, ...data })
      // Nothing was heard for too long: the link is dead, whatever the socket says.
      setTimeout(() => {
        if (calls.delete(id)) {
          socket?.close()
          reject(Object.assign(new Error('no answer'), { isOpen: true }))
        }
      }, keepAliveMs)
    })
  }

  async function send(message) {
    const wire = { key: message.id._serialized, chat: message.to._serialized, type: message.type, body: message.body }
    unsent.set(wire.key, { message, wire: { ...wire, quoted: message.quotedStanzaID ?? null } })
    return deliver(wire.key)
  }

  async function deliver(key) {
    const { message, wire } = unsent.get(key)
    try {
      await call('send', { message: wire })
      unsent.delete(key)
      message.set({ ack: 1 })
      return { messageSendResult: 'OK' }
    } catch (error) {
      if (error.isOpen) return { messageSendResult: 'ERROR_NETWORK' }
      unsent.delete(key)
      message.set({ ack: -1 })
      return { messageSendResult: 'ERROR_UNKNOWN' }
    }
  }

  function connect() {
    socket = new WebSocket(`wss://${location.host}/ws`)
    socket.onopen = () => tell({ op: 'hello', session: localStorage.getItem('session') })
    socket.onclose = () => {
      if (!Socket.state.startsWith('UNPAIRED')) Socket.set({ state: 'TIMEOUT' })
      setTimeout(connect, 200)
    }
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data)
      if (message.reply === undefined) return heard[message.op]?.(message)
      const waiting = calls.get(message.reply)
      calls.delete(message.reply)
      if (message.error === undefined) waiting?.resolve(message)
      else waiting?.reject(new Error(message.error))
    }
  }

  function chatOf({ id, name, participants }) {
    const wid = new Wid(id)
    const chat = Chats.get(wid) ?? new Model({ id: wid, name, formattedTitle: name, mute: { expiration: 0 }, msgs: [] })
    if (wid.isGroup()) {
      const people = participants.map(one => ({ id: new Wid(one).toObject(), isAdmin: false, isSuperAdmin: false }))
      chat.groupMetadata = new Model({ id: wid, subject: name, announce: false, participants: people })
      chat.groupMetadata.isLidAddressingMode = false
    }
    return Chats.add(chat)
  }

  function stored({ key, body, type, atMs }) {
    if (Msgs.get(key) !== undefined) return
    const id = MsgKey.fromText(key)
    Msgs.add(new Msg({ id, type, body, from: me, to: id.remote, t: Math.floor(atMs / 1000), ack: 1 }))
  }

  const heard = {
    qr({ ref }) {
      Conn.set({ ref })
      Socket.set({ state: 'UNPAIRED' })
    },
    idle: () => Socket.set({ state: 'UNPAIRED_IDLE' }),
    paired({ session }) {
      localStorage.setItem('session', session)
      Socket.set({ state: 'PAIRING' })
    },
    login({ chats, messages, sync }) {
      for (const chat of chats) chatOf(chat)
      for (const message of messages) stored(message)
      Conn.set({ pushname: 'heald', platform: 'android', wid: me })
      Socket.set({ state: 'CONNECTED' })
      Cmd.trigger('offline_progress_update_from_bridge')
      for (const key of unsent.keys()) void deliver(key)
      // The library listens only after a while; when the change comes before that, its `ready` never fires.
      const fire = () => {
        Socket.hasSynced = false
        Socket.set({ hasSynced: true })
      }
      const wait = () => (Socket.count('change:hasSynced') > 0 ? fire() : setTimeout(wait, 20))
      if (sync === 'early') fire()
      else if (sync === 'on time') wait()
    },
    ack: ({ key, ack }) => Msgs.get(key)?.set({ ack }),
    chat: ({ chat }) => chatOf(chat),
    revoke: ({ key }) => Msgs.get(key)?.set({ type: 'revoked', body: '' }),
    state: ({ state }) => Socket.set({ state }),
    logout() {
      localStorage.removeItem('session')
      Cmd.trigger('logout')
      setTimeout(() => {
        location.href = '/?post_logout=1'
      }, 50)
    },
  }

  Object.assign(globalThis, { fakeLink: { Socket, Conn, Cmd, Msgs, Chats, me, call, tell, send, chatOf } })
  connect()
}
