// What whatsapp-web.js 1.34.7 asks `window.require` for when it pairs, becomes ready, sends, edits and looks things up.
// Everything else throws, as WhatsApp Web's own loader does for a module that it does not have.

{
  const { Socket, Conn, Cmd, Msgs, Chats, me, call, tell, send, chatOf } = globalThis.fakeLink
  const { Wid, MsgKey, Msg } = globalThis.fakeModels
  const { editWindowMs } = globalThis.fakeSettings
  const createWid = value => (value instanceof Wid ? value : new Wid(value?._serialized ?? value))
  const bytes = value => new Uint8Array(32).fill(value)
  const linksIn = text => (String(text ?? '').match(/https?:\/\/\S+/g) ?? []).map(href => ({ href }))
  Socket.logout = async () => {
    localStorage.removeItem('session')
    await call('logout', {})
  }
  Cmd.refreshQR = () => tell({ op: 'refreshQR' })

  const modules = {
    // Pairing
    WAWebSocketModel: { Socket },
    WAWebCmd: { Cmd },
    WAWebConnModel: { Conn },
    WAWebOfflineHandler: { OfflineMessageHandler: { getOfflineDeliveryProgress: () => 100 } },
    WAWebAltDeviceLinkingApi: {
      setPairingType: () => {},
      initializeAltDeviceLinking: async () => {},
      initializeQRLinking: async () => {},
      startAltLinkingFlow: async phone => (await call('pairCode', { phone })).code,
    },
    WABase64: { encodeB64: array => btoa(String.fromCharCode(...array)) },
    WAWebCompanionRegClientUtils: { DEVICE_PLATFORM: '1' },
    WAWebAdvSignatureApi: {},
    WAWebUserPrefsInfoStore: { waNoiseInfo: { get: async () => ({ staticKeyPair: { pubKey: bytes(1) } }) } },
    WAWebSignalStoreApi: {
      waSignalStore: { getRegistrationInfo: async () => ({ identityKeyPair: { pubKey: bytes(2) } }) },
    },
    WAWebUserPrefsMultiDevice: { getADVSecretKey: () => btoa('a secret key of thirty-two bytes') },
    WAWebMiscBrowserUtils: { info: () => ({ os: 'Linux', name: 'Chrome' }) },
    // Ready
    WAWebUserPrefsMeUser: { getMaybeMePnUser: () => me, getMaybeMeLidUser: () => undefined },
    WAWebCollections: {
      Msg: Msgs,
      Chat: Chats,
      GroupMetadata: {
        async update(wid) {
          chatOf((await call('group', { chat: wid._serialized })).chat)
        },
      },
    },
    WAWebSyncGatingUtils: { isPlaceholderMessageResendEnabled: () => false },
    WAWebCallCollection: undefined,
    WALinkify: { findLink: text => linksIn(text)[0], findLinks: linksIn },
    // Chats
    WAWebWidFactory: { createWid, asUserWidOrThrow: createWid },
    WAWebChatGetters: { getIsNewsletter: ({ id }) => id.isNewsletter(), getIsBroadcast: ({ id }) => id.isBroadcast() },
    WAWebLidMigrationUtils: { toPn: () => undefined },
    WAWebQueryExistsJob: {
      queryWidExists: async wid => ((await call('exists', { chat: wid._serialized })).exists ? { wid } : null),
    },
    WAWebFindChatAction: {
      async findOrCreateLatestChat(wid) {
        const { exists } = await call('exists', { chat: wid._serialized })
        if (!exists) throw new Error('No LID for user')
        return { chat: chatOf({ id: wid._serialized, name: wid.user, participants: [] }), created: true }
      },
    },
    // Sending
    WAWebMsgKey: MsgKey,
    WAWebGetEphemeralFieldsMsgActionsUtils: { getEphemeralFields: () => ({}) },
    WAWebSendMsgChatAction: {
      addAndSendMsgToChat(chat, data) {
        const message = Msgs.add(new Msg(data))
        chat.msgs.push(message)
        return [Promise.resolve(message), send(message)]
      },
    },
    // Text that begins like a contact card becomes one; a link is looked up, and has no preview.
    WAWebVcardParsingUtils: { parseVcard: text => ({ name: /^FN:(.*)$/m.exec(text)?.[1] ?? '' }) },
    WAWebVcardGetNameFromParsed: { vcardGetNameFromParsed: ({ name }) => name },
    WAWebLinkPreviewChatAction: { getLinkPreview: async () => null },
    WAWebMsgReply: { canReplyMsg: ({ type }) => type === 'chat' },
    WAWebMsgActionCapability: {
      canEditText: ({ id, type, t }) => id.fromMe && type === 'chat' && Date.now() - t * 1000 < editWindowMs,
      canEditCaption: () => false,
    },
    WAWebSendMessageEditAction: {
      async sendMessageEdit(message, body) {
        await call('edit', { key: message.id._serialized, body })
        message.set({ body })
      },
    },
  }

  window.require = name => {
    if (!(name in modules)) throw new Error(`Requiring unknown module "${name}".`)
    return modules[name]
  }
  window.Debug = { VERSION: '2.3000.1099999999' }
}
