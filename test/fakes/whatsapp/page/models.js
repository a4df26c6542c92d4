// The shapes of WhatsApp Web's own objects, as far as whatsapp-web.js 1.34.7 touches them.

class Emitter {
  #handlers = new Map()
  on(names, run) {
    for (const name of names.split(' ')) this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), run])
    return this
  }
  once(names, run) {
    const first = (...values) => {
      this.off(names, first)
      run(...values)
    }
    return this.on(names, first)
  }
  off(names, run) {
    for (const name of names.split(' ')) {
      this.#handlers.set(
        name,
        (this.#handlers.get(name) ?? []).filter(one => one !== run),
      )
    }
    return this
  }
  count(name) {
    return this.#handlers.get(name)?.length ?? 0
  }
  trigger(name, ...values) {
    for (const run of this.#handlers.get(name) ?? []) {
      try {
        run(...values)
      } catch (error) {
        console.error('handler', name, error)
      }
    }
  }
}

class Model extends Emitter {
  constructor(values = {}) {
    super()
    Object.assign(this, values)
  }
  set(values) {
    for (const [name, value] of Object.entries(values)) {
      const before = this[name]
      if (before === value) continue
      this[name] = value
      for (const to of [this, this.collection]) to?.trigger(`change:${name}`, this, value, before)
    }
    for (const to of [this, this.collection]) to?.trigger('change', this)
    return this
  }
  serialize() {
    const plain = value =>
      Array.isArray(value) ? value.map(plain) : typeof value?.toObject === 'function' ? value.toObject() : value
    return Object.fromEntries(
      Object.entries(this)
        .filter(([name, value]) => name !== 'collection' && typeof value !== 'function')
        .map(([name, value]) => [name, plain(value)]),
    )
  }
  toJSON() {
    return this.serialize()
  }
  unsafe() {
    return this
  }
}

class Collection extends Emitter {
  #models = new Map()
  constructor(modelClass) {
    super()
    this.modelClass = modelClass
  }
  get(id) {
    return this.#models.get(typeof id === 'string' ? id : id?._serialized)
  }
  async find(id) {
    return this.get(id)
  }
  add(model) {
    const isNew = this.get(model.id) === undefined
    model.collection = this
    this.#models.set(model.id._serialized, model)
    if (isNew) this.trigger('add', model)
    return model
  }
  remove(model) {
    this.#models.delete(model.id._serialized)
    this.trigger('remove', model)
  }
  getModelsArray() {
    return [...this.#models.values()]
  }
}

/** The id of a person (`<number>@c.us`) or a group (`<number>@g.us`). */
class Wid {
  constructor(text) {
    const [user, server = 'c.us'] = String(text).split('@')
    if (!/^[\d-]+$/.test(user)) throw new Error('wid error: invalid wid')
    Object.assign(this, { user, server, _serialized: `${user}@${server}` })
  }
  toObject() {
    return { server: this.server, user: this.user, _serialized: this._serialized }
  }
  isLid() {
    return this.server === 'lid'
  }
  isGroup() {
    return this.server === 'g.us'
  }
  isUser() {
    return this.server === 'c.us' || this.server === 'lid'
  }
  isStatus() {
    return this._serialized === 'status@broadcast'
  }
  isNewsletter() {
    return this.server === 'newsletter'
  }
  isBroadcast() {
    return this.server === 'broadcast'
  }
  toJid() {
    return this._serialized
  }
  toString() {
    return this._serialized
  }
  equals(other) {
    return other?._serialized === this._serialized
  }
}

/** Names a message: `true_<chat>_<id>`, in groups with `_<who wrote it>`. */
class MsgKey {
  constructor({ fromMe, selfDir, remote, to, id, participant }) {
    this.fromMe = fromMe ?? selfDir === 'out'
    this.remote = remote ?? to
    this.id = id
    if (participant) this.participant = participant
    const parts = [this.fromMe, this.remote._serialized, id, participant?._serialized]
    this._serialized = parts.filter(part => part !== undefined).join('_')
  }
  static fromText(text) {
    const [fromMe, remote, id, participant] = text.split('_')
    const from = participant === undefined ? undefined : new Wid(participant)
    return new MsgKey({ fromMe: fromMe === 'true', remote: new Wid(remote), id, participant: from })
  }
  static async newId() {
    const bytes = [...crypto.getRandomValues(new Uint8Array(9))]
    return `3EB0${bytes
      .map(byte => byte.toString(16).padStart(2, '0'))
      .join('')
      .toUpperCase()}`
  }
  toObject() {
    const { fromMe, remote, id, participant, _serialized } = this
    return { fromMe, remote: remote.toObject(), id, participant: participant?.toObject(), _serialized }
  }
  toString() {
    return this._serialized
  }
}

class Msg extends Model {
  isSentByMe() {
    return this.id.fromMe
  }
  msgContextInfo() {
    return { quotedStanzaID: this.id.id, quotedParticipant: this.from, quotedMsg: { type: this.type, body: this.body } }
  }
}

Object.assign(globalThis, { fakeModels: { Emitter, Model, Collection, Wid, MsgKey, Msg } })
