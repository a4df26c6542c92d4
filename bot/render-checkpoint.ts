import { counted } from '../core/cli/text.ts'
import type { SignedForPosts } from '../core/notice/checkpoint-desk.ts'
import { cleaned } from './cleaned.ts'
import type { Message } from './message.ts'
import type { Place } from './render.ts'

/** A checkpoint as it is posted: the signed text as it is, to be copied, and the key that it is signed with. */
export function checkpointPost({ size, note, vkey }: SignedForPosts, { host }: Place): Message {
  const entries = counted(size, 'entry', 'entries')
  return cleaned({
    ...{ tone: 'info', icon: '🧾' },
    title: `Checkpoint: ${entries} on ${host}`,
    blocks: [
      {
        block: 'text',
        text: `As long as this message is kept, nobody can change or cut the first ${entries} unnoticed. To compare, on the host: heald ledger check, with the text below.`,
      },
      { block: 'log', title: 'the signed checkpoint', text: note.trimEnd() },
      ...(vkey === null ? [] : [{ block: 'log' as const, title: 'its public key', text: vkey }]),
    ],
    ...{ footer: host, buttons: [] },
  })
}
