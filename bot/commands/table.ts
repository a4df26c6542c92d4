import type { Reply } from '../../core/command/port.ts'
import type { WORDS } from '../../core/command/words.ts'
import type { Answer, Render, Showing } from './answer.ts'
import { codeAnswer, commandAnswer, commands } from './command.ts'
import { help } from './help.ts'
import { incident, incidents, report } from './incidents.ts'
import { ledger, proof, show } from './ledger.ts'
import { logs } from './logs.ts'
import { oncall, whoami } from './people.ts'
import { silences } from './silences.ts'
import { status } from './status.ts'
import { diff, generations, plan } from './targets.ts'
import { verify } from './verify.ts'

type Reading = Extract<(typeof WORDS)[number], { does: 'reads' }>['word']

/** How the answer of each word that reads is shown; `rollback`: of a dry run. */
const RENDERS: { readonly [word in Reading | 'rollback']: Render } = {
  ...{ status, incidents, incident, report, ledger, show, proof, verify, generations, diff, logs, silences, commands },
  ...{ whoami, oncall, help, rollback: plan },
}

export function answerOf(reply: Reply, showing: Showing): Answer {
  if (reply.reply === 'command') return commandAnswer(reply, showing)
  if (reply.reply === 'code') return codeAnswer(reply, showing)
  const { word, args, data } = reply
  const render = (RENDERS as { readonly [word: string]: Render | undefined })[word]
  if (render === undefined) throw new Error(`there is no answer to ${word}`)
  return render(data, args, showing)
}
