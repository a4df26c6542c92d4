import type { WhoAmI } from '../../core/api/command-control.ts'
import type { Person } from '../../core/command/port.ts'
import { answer, lines, type Render } from './answer.ts'

const CODES: { readonly [codes in WhoAmI['codes']]: string } = {
  none: 'You have no one-time codes set up.',
  ok: 'Your one-time codes are set up.',
  locked: 'Your one-time codes are locked after too many wrong ones: an admin runs "heald unlock" on the host.',
  'not needed': '',
}

/** `whoami`: also for who is not known, with what an admin has to write. */
export const whoami: Render = (data, _args, showing) => {
  const { by, operator, role, words, codes, line } = data as WhoAmI
  if (operator === null || role === null)
    return answer(
      {
        ...{ icon: '❔', tone: 'warning', title: `heald does not know you: you are ${by} here` },
        blocks: [
          ...lines('So you may ask who you are, and for help. An admin makes you known by a line in heald.yaml:'),
          { block: 'log', title: 'under "operators", your name', text: `NAME: { role: viewer, ${line ?? ''} }` },
        ],
      },
      showing,
    )
  return answer(
    {
      ...{ icon: '🪪', title: `You are ${operator}, ${role === 'viewer' ? 'a' : 'an'} ${role}` },
      blocks: lines(`Here you are ${by}.`, `You may say: ${words.join(', ')}.`, CODES[codes] ?? ''),
    },
    showing,
  )
}

/** `oncall`. Nobody is called by it. */
export const oncall: Render = (data, _args, showing) => {
  const people = data as readonly Person[]
  const names = people.map(({ operator, role }, at) => `${at + 1}. ${operator} (${role})`)
  const title = people.length === 0 ? 'Nobody is on call' : `On call: ${people[0]?.operator ?? ''}`
  return answer({ icon: '📟', title, blocks: lines(...(names.length > 1 ? names : [])) }, showing)
}
