import type { Message } from '../../bot/message.ts'

/** A message with all kinds of blocks, and text that is hostile to every format. */
export function fullMessage(change: Partial<Message> = {}): Message {
  return {
    tone: 'critical',
    icon: '🔴',
    title: 'agent <b>&amp; "co"</b> crash-loops on web-1',
    blocks: [
      {
        block: 'text',
        text: 'It was killed by the kernel: *out* _of_ `memory` ~now~ ||x|| [a](http://b)\n<script>alert(1)</script>',
      },
      {
        block: 'facts',
        facts: [
          { name: 'Service', value: 'agent' },
          { name: 'Since', value: { atMs: Date.UTC(2026, 10, 24, 3, 0, 7), text: '03:00:07 UTC' } },
          { name: 'Who & <where>', value: '@everyone @here <!channel> <@U01> <#C01>' },
        ],
      },
      {
        block: 'steps',
        steps: [
          { offset: '+0 ms', words: 'agent was killed by SIGKILL' },
          { offset: '', words: '12 more' },
          { offset: '+1.2 s', words: 'ended with code 1 😀 مرحبا' },
        ],
      },
      { block: 'log', title: 'Last lines', text: 'line 1 </pre></code>``` and\nline 2 \\`\\` &lt;' },
    ],
    footer: '#1042·ABCDEFGHIJKLMNOPQRSTUVWXYZ · web-1',
    buttons: [
      [
        { id: 'b1:ack', label: 'Ack', style: 'primary' },
        { id: 'b1:rollback', label: 'Roll back…', style: 'danger' },
      ],
    ],
    ...change,
  }
}

export function plainMessage(text: string): Message {
  return { tone: 'info', icon: 'ℹ️', title: text, blocks: [], footer: '', buttons: [] }
}
