import { faultsOfBlocks, MOST_JSON } from './block-kit.ts'
import { completeUpload, newUpload } from './uploads.ts'
import { openView } from './views.ts'
import { deleteMessage, messageIn, type Room, type Stored, type Workspace } from './workspace.ts'

// The methods of https://docs.slack.dev/reference/methods that a notifier uses, with their errors.

export type Args = Record<string, unknown>
export type Answer = Record<string, unknown> & { ok: boolean }

export interface Call {
  readonly method: string
  /** '' for none. */
  readonly token: string
  readonly args: Args
}

/** Thrown by a method for `{ok: false, error}`. */
interface Refusal {
  readonly error: string
  readonly more: Args
}

const BLOCK_ARGS = [
  'channel',
  'text',
  'blocks',
  'attachments',
  'as_user',
  'link_names',
  'markdown_text',
  'metadata',
  'parse',
]
const ARGS: Record<string, readonly string[]> = {
  'auth.test': [],
  'apps.connections.open': [],
  'chat.postMessage': [
    ...[...BLOCK_ARGS, 'reply_broadcast', 'thread_ts', 'unfurl_links', 'unfurl_media', 'mrkdwn'],
    ...['username', 'icon_emoji', 'icon_url'],
  ],
  'chat.update': [...BLOCK_ARGS, 'ts', 'reply_broadcast', 'file_ids'],
  'chat.delete': ['channel', 'ts', 'as_user'],
  'chat.postEphemeral': [...BLOCK_ARGS, 'user', 'thread_ts', 'username', 'icon_emoji', 'icon_url'],
  'views.open': ['trigger_id', 'view', 'interactivity_pointer'],
  'files.getUploadURLExternal': ['filename', 'length', 'alt_txt', 'snippet_type'],
  'files.completeUploadExternal': ['files', 'channel_id', 'channels', 'thread_ts', 'initial_comment', 'blocks'],
  'conversations.info': ['channel', 'include_locale', 'include_num_members'],
  'conversations.history': ['channel', 'cursor', 'include_all_metadata', 'inclusive', 'latest', 'limit', 'oldest'],
}
const SCOPES: Record<string, string> = {
  'chat.postMessage': 'chat:write',
  'chat.update': 'chat:write',
  'chat.delete': 'chat:write',
  'chat.postEphemeral': 'chat:write',
  'files.getUploadURLExternal': 'files:write',
  'files.completeUploadExternal': 'files:write',
  'conversations.history': 'channels:history',
}
const MOST_TEXT = 4000
const MOST_METADATA = 16_000

/** Of what is made anew: a socket, a place for a file. */
export interface Addresses {
  readonly socket: () => string
  readonly upload: (id: string) => string
}

/** What the method answers. */
export function callMethod(workspace: Workspace, { method, token, args }: Call, addresses: Addresses): Answer {
  try {
    const known = Object.hasOwn(ARGS, method) ? ARGS[method] : undefined
    if (known === undefined) refuse('unknown_method', { req_method: method })
    checkToken(workspace, method, token)
    const unknown = Object.keys(args).find(name => name !== 'token' && !known?.includes(name))
    if (unknown !== undefined) refuse('invalid_arg_name', { response_metadata: { messages: [`[ERROR] ${unknown}`] } })
    return { ok: true, ...perform(workspace, method, args, addresses) }
  } catch (thrown) {
    const { error, more } = thrown as Refusal
    if (typeof error !== 'string') throw thrown
    return { ok: false, error, ...more }
  }
}

export function refuse(error: string, more: Args = {}): never {
  throw { error, more } satisfies Refusal
}

function checkToken(workspace: Workspace, method: string, token: string): void {
  if (token === '') refuse('not_authed')
  const wanted = method === 'apps.connections.open' ? workspace.appToken : workspace.botToken
  if (token !== wanted) {
    refuse(token === workspace.botToken || token === workspace.appToken ? 'not_allowed_token_type' : 'invalid_auth')
  }
  if (workspace.isRevoked && token === workspace.botToken) refuse('token_revoked')
  const needed = SCOPES[method]
  if (needed !== undefined && !workspace.scopes.has(needed)) {
    refuse('missing_scope', { needed, provided: [...workspace.scopes].join(',') })
  }
}

function perform(workspace: Workspace, method: string, args: Args, addresses: Addresses): Args {
  const { team, domain, botUser, botId } = workspace
  if (method === 'auth.test') {
    return {
      url: `https://${domain}.slack.com/`,
      team: domain,
      user: 'heald',
      team_id: team,
      user_id: botUser,
      bot_id: botId,
    }
  }
  if (method === 'apps.connections.open') return { url: addresses.socket() }
  if (method === 'views.open') return openView(workspace, args)
  if (method === 'files.getUploadURLExternal') return newUpload(workspace, args, addresses)
  if (method === 'files.completeUploadExternal') return completeUpload(workspace, args)
  const room = workspace.rooms.get(String(args.channel))
  if (room === undefined) return refuse('channel_not_found')
  if (method === 'conversations.info') {
    return {
      channel: { id: room.id, name: room.id.toLowerCase(), is_member: room.isMember, is_archived: room.isArchived },
    }
  }
  if (!room.isMember) refuse('not_in_channel')
  if (method === 'conversations.history') return history(workspace, room, args)
  if (room.isArchived) refuse('is_archived')
  if (method === 'chat.postMessage') return post(workspace, room, args)
  if (method === 'chat.postEphemeral') return postEphemeral(workspace, room, args)
  const message = messageIn(room, args.ts)
  if (message === undefined || message.isTombstone) return refuse('message_not_found')
  if (method === 'chat.delete') {
    if (!message.isOurs) refuse('cant_delete_message')
    deleteMessage(room, message.ts)
    return { channel: room.id, ts: message.ts }
  }
  if (!message.isOurs) refuse('cant_update_message')
  Object.assign(message, contentOf(args), { editedTs: workspace.nextTs() })
  return { channel: room.id, ts: message.ts, text: message.text, message: asJson(workspace, message) }
}

function post(workspace: Workspace, room: Room, args: Args): Args {
  const content = contentOf(args)
  const metadata = args.metadata === undefined ? undefined : metadataOf(args.metadata)
  const named = args.thread_ts === undefined ? null : String(args.thread_ts)
  if (named === null && isTrue(args.reply_broadcast)) refuse('invalid_arguments')
  if (named !== null && !/^\d{10}\.\d{6}$/.test(named)) refuse('invalid_thread_ts')
  const root = named === null ? undefined : messageIn(room, named)
  // "Avoid using a reply's ts value; use its parent's instead": what comes of it is not said, so it is refused here.
  if (root?.threadTs) refuse('cannot_reply_to_message')
  if (root?.isLocked) refuse('restricted_action_thread_locked')
  // An answer to what is gone without a trace becomes a message of its own (github.com/slack-go/slack issue 1571).
  const threadTs = root === undefined ? null : named
  const isBroadcast = threadTs !== null && isTrue(args.reply_broadcast)
  const message: Stored = {
    ...{
      ts: workspace.nextTs(),
      isOurs: true,
      metadata,
      threadTs,
      isBroadcast,
      editedTs: null,
      isTombstone: false,
      isLocked: false,
    },
    unfurls: args.unfurl_links === undefined || isTrue(args.unfurl_links),
    ...content,
  }
  room.messages.push(message)
  return { channel: room.id, ts: message.ts, message: asJson(workspace, message) }
}

function postEphemeral(workspace: Workspace, room: Room, args: Args): Args {
  const { text, blocks } = contentOf(args)
  if (!workspace.people.includes(String(args.user))) refuse('user_not_in_channel')
  workspace.answers.push({
    text,
    blocks,
    channel: room.id,
    user: String(args.user),
    isEphemeral: true,
    atMs: Date.now(),
    file: null,
  })
  return { message_ts: workspace.nextTs() }
}

function history(workspace: Workspace, room: Room, args: Args): Args {
  const limit = args.limit === undefined ? 100 : Number(args.limit)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 999)) refuse('invalid_limit')
  // Answers in a thread are in the channel only when they were broadcast to it.
  const inChannel = room.messages.filter(({ threadTs, isBroadcast }) => threadTs === null || isBroadcast).reverse()
  const messages = inChannel.slice(0, limit).map(message => {
    const { metadata, ...rest } = asJson(workspace, message)
    return isTrue(args.include_all_metadata) && metadata !== undefined ? { ...rest, metadata } : rest
  })
  return { messages, has_more: inChannel.length > limit }
}

/** Text and blocks of a message, or the refusal the real one gives. */
export function contentOf(args: Args): { text: string; blocks: readonly unknown[] } {
  const text = args.text === undefined ? '' : String(args.text)
  const { blocks = [] } = args
  if (!Array.isArray(blocks) || blocks.some(block => typeof block !== 'object')) return refuse('invalid_blocks_format')
  if (text === '' && blocks.length === 0) refuse('no_text')
  if ([...text].length > MOST_TEXT) refuse('msg_too_long')
  const messages = faultsOfBlocks(blocks)
  if (messages.length > 0) {
    refuse('invalid_blocks', {
      errors: messages.map(one => one.slice('[ERROR] '.length)),
      response_metadata: { messages },
    })
  }
  if (JSON.stringify(blocks).length > MOST_JSON) refuse('msg_blocks_too_long')
  return { text, blocks }
}

function metadataOf(value: unknown): unknown {
  const { event_type, event_payload } = (value ?? {}) as Args
  if (
    typeof event_type !== 'string' ||
    event_type === '' ||
    typeof event_payload !== 'object' ||
    event_payload === null
  ) {
    refuse('invalid_metadata_format')
  }
  if (JSON.stringify(value).length > MOST_METADATA) refuse('metadata_too_large')
  return value
}

export function asJson({ botId, botUser, team }: Workspace, message: Stored): Args {
  const { ts, text, blocks, metadata, threadTs, isBroadcast, editedTs, isOurs, isTombstone } = message
  if (isTombstone)
    return { type: 'message', subtype: 'tombstone', ts, text: 'This message was deleted.', thread_ts: ts }
  return {
    ...{ type: 'message', ts, text, blocks, team },
    ...(isOurs ? { bot_id: botId, user: botUser } : { user: 'U0HUMAN' }),
    ...(threadTs === null ? {} : { thread_ts: threadTs }),
    ...(isBroadcast ? { subtype: 'thread_broadcast' } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    ...(editedTs === null ? {} : { edited: { user: botUser, ts: editedTs } }),
  }
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true' || value === '1' || value === 1
}
