import { counted } from '../core/cli/text.ts'
import type { SignedForPosts } from '../core/notice/checkpoint-desk.ts'
import { cleaned } from './cleaned.ts'
import type { Message } from './message.ts'
import type { Place } from './render.ts'

/**
 * A checkpoint as it is posted: the signed text as it is, to be copied, and the key that it is signed with as `--key` takes it.
 * Both fit on each platform uncut, whatever the host is called.
 */
export function checkpointPost({ size, note, vkey, receipt }: SignedForPosts, { host }: Place): Message {
  const entries = counted(size, 'entry', 'entries')
  return cleaned({
    ...{ tone: 'info', icon: '🧾' },
    title: `Checkpoint: ${entries} on ${host}`,
    blocks: [
      {
        block: 'text',
        text:
          vkey === null
            ? 'None of the keys that the ledger tells of has signed this: either it or the ledger was changed. Keep it, and look on the host: heald ledger verify.'
            : `As long as this message is kept, nobody can change or cut the first ${entries} unnoticed. To compare, on the host: heald ledger check, with the text below. A copy elsewhere is judged by the key: heald ledger verify DIR --key, with the whole line in quotes.`,
      },
      { block: 'log', title: 'the signed checkpoint', text: note.trimEnd() },
      ...(vkey === null
        ? []
        : [
            {
              block: 'log' as const,
              title: 'its public key, and the receipt of its entry',
              text: `${vkey} ${receipt ?? ''}`.trim(),
            },
          ]),
    ],
    ...{ footer: host, buttons: [] },
  })
}
