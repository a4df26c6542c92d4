import { type Addresses, type Args, refuse } from './web-api.ts'
import type { Workspace } from './workspace.ts'

// https://docs.slack.dev/messaging/working-with-files: an address for the bytes, the bytes, and where they are shown.

export interface Upload {
  readonly name: string
  readonly length: number
  /** What was sent; null: nothing yet. */
  bytes: Buffer | null
  isComplete: boolean
}

export function newUpload(workspace: Workspace, args: Args, { upload }: Addresses): Args {
  const [name, length] = [String(args.filename ?? ''), Number(args.length)]
  if (name === '') refuse('invalid_arguments')
  if (!(Number.isInteger(length) && length > 0)) refuse('invalid_arguments')
  const id = workspace.newId('F')
  workspace.uploads.set(id, { name, length, bytes: null, isComplete: false })
  return { upload_url: upload(id), file_id: id }
}

/** Whether the bytes are taken: once, and as many as were told. */
export function takeBytes(workspace: Workspace, id: string, bytes: Buffer): boolean {
  const upload = workspace.uploads.get(id)
  if (upload === undefined || upload.bytes !== null || bytes.length !== upload.length) return false
  upload.bytes = bytes
  return true
}

export function completeUpload(workspace: Workspace, args: Args): Args {
  const given: unknown = typeof args.files === 'string' ? JSON.parse(args.files) : args.files
  const files: unknown[] = Array.isArray(given) ? given : refuse('invalid_arguments')
  const room = workspace.rooms.get(String(args.channel_id))
  if (room === undefined) return refuse('channel_not_found')
  if (!room.isMember) refuse('not_in_channel')
  for (const file of files) {
    const { id } = (file ?? {}) as { id?: unknown }
    const upload = workspace.uploads.get(String(id))
    if (upload === undefined || upload.bytes === null || upload.isComplete) return refuse('file_not_found')
    upload.isComplete = true
    const shown = { name: upload.name, text: upload.bytes.toString('utf8') }
    workspace.answers.push({
      text: '',
      blocks: [],
      channel: room.id,
      user: '',
      isEphemeral: false,
      atMs: Date.now(),
      file: shown,
    })
  }
  return { files }
}
