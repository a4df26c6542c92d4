import { openConsole } from '../../../adapters/chat/console.ts'
import type { Platform, Shown } from '../../conformance/platform.ts'
import { recorder } from './recorder.ts'

/** The console channel over a recorder; `shown` is what was printed last for each reference. */
export async function startConsolePlatform(): Promise<Platform> {
  const output = recorder()
  const chats = ['ops', 'night'] as const
  const removed = new Set<string>()
  return {
    name: 'console',
    chats,
    open: events =>
      openConsole(
        { kind: 'console', chats, quietHours: null, digest: null },
        {
          events: { onState: () => {}, onWord: () => {}, ...events },
          readSecret: () => Promise.reject(new Error('a console has no secrets')),
          warn: () => {},
          folder: '/nonexistent',
        },
        output,
      ),
    shown: chat => {
      const last = new Map<string, Shown>()
      for (const { chat: of, reference, answers, text, hasBell, isChange } of output.printed) {
        if (of !== chat || removed.has(reference)) continue
        const replyTo = isChange ? (last.get(reference)?.replyTo ?? null) : answers
        last.set(reference, { reference, text, isSilent: !hasBell, replyTo, buttons: [], isEdited: isChange })
      }
      return [...last.values()]
    },
    requests: () => output.writes(),
    next: trouble => output.next(trouble),
    remove: (_, reference) => void removed.add(reference),
    leave: () => {},
    revoke: () => output.shut(),
    admit: () => output.admit(),
    cut: () => output.next('cut'),
    say: () => {},
    press: () => {},
    breaches: () => [],
    close: async () => {},
    can: {
      tellTwins: false,
      buttons: false,
      silence: false,
      words: false,
      edit: true,
      never: ['slow down', 'leave', 'remove'],
    },
  }
}
