import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Fault } from '../fault.ts'
import { receiptOf } from '../ledger/receipt.ts'
import {
  type CommandVerdict,
  type PrunedCommands,
  verifyCommandFile,
  verifyCommands,
} from '../ledger/verify-commands.ts'
import { optionalWord } from './arguments.ts'
import { paint } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { textsOf } from './ledger-filter.ts'
import { existing } from './ledger-verify.ts'
import { cleanLine, counted, jsonOf, wrapLines } from './text.ts'

/** `heald ledger verify --commands [DIR|FILE] [--receipt RECEIPT]…`: the chain of commands alone. */
export async function verify(context: Context, words: readonly string[], values: Values): Promise<number> {
  const { state, json, out, signal, columns, colour } = context
  const given = optionalWord(words, 'ledger verify', 'DIR')
  const receipts = textsOf(values.receipt)
  const options = { receipts, signal }
  const verdict = await judged(given, state, options)
  const isOwn = given === null || resolve(given) === resolve(state, 'ledger') || resolve(given) === resolve(state)
  const text = verdictText(verdict, receipts.length > 0, isOwn)
  const painted = verdict.ok ? paint(text[0] ?? '', 'green', colour) : paint(text[0] ?? '', 'red', colour)
  out(json ? `${jsonOf(verdict)}\n` : `${wrapLines([painted, ...text.slice(1)].join('\n'), columns)}\n`)
  return verdict.ok ? EXIT.done : EXIT.bad
}

function judged(
  given: string | null,
  state: string,
  options: Parameters<typeof verifyCommands>[1],
): Promise<CommandVerdict> {
  if (given === null) return verifyCommands(existing(join(state, 'ledger')), options)
  const path = resolve(given)
  if (!existsSync(path)) throw new Fault('usage.path', `${path} does not exist`)
  if (!statSync(path).isDirectory()) return verifyCommandFile(path, options)
  const inside = join(path, 'ledger')
  return verifyCommands(existing(existsSync(inside) ? inside : path), options)
}

/** @param isOwn it is the ledger that `heald ledger checkpoint` would sign */
function verdictText(verdict: CommandVerdict, hasReceipts: boolean, isOwn: boolean): string[] {
  const { commands, head, lastSeq, firstBad, trouble, provedCommands, pruned, tookMs } = verdict
  const count = counted(commands, 'entry of a command', 'entries of commands')
  const last = lastSeq === null ? '' : `, the last one is ${receiptOf(lastSeq, head)}`
  if (firstBad !== null && trouble !== null)
    return [
      `NOT ALL OF THE COMMANDS ARE PROVED, from entry #${firstBad.seq} on: ${cleanLine(firstBad.why)}.`,
      `From there on nothing contradicts them: ${count} in one chain${last}.${hasReceipts ? ` ${proofOf(provedCommands)}` : ''}`,
      trouble === 'cut' ? LOOK_AT_IT : trouble === 'unproved-signable' && isOwn ? `${GIVE_IT} ${SIGN_IT}` : GIVE_IT,
    ]
  if (firstBad !== null)
    return [
      `THE COMMANDS ARE NOT WHOLE at entry #${firstBad.seq}: ${cleanLine(firstBad.why)}.`,
      `Before it ${commands === 1 ? 'is' : 'are'} ${count} in one chain${last}.`,
    ]
  const proof = hasReceipts
    ? proofOf(provedCommands)
    : 'No receipt was given, so one who rewrote all of them would not be noticed: give one of a later entry (--receipt), such as stands under each card.'
  return [
    `The commands are whole: ${count} in one chain of their own${last}. (${Math.round(tookMs)} ms)`,
    ...(pruned === null ? [] : [prunedWords(pruned)]),
    proof,
  ]
}

function proofOf(proved: number): string {
  return `The receipts that were given fit: they prove ${counted(proved, 'of them', 'of them')}.`
}

const GIVE_IT = 'What to do: give a receipt of that entry, or of a later one, that was kept elsewhere (--receipt).'
const SIGN_IT = 'If it was you who pruned, "heald ledger checkpoint" signs that.'
const LOOK_AT_IT =
  'What to do: "heald ledger verify --commands" where the ledger is tells what was pruned. With the archive put back into a copy of it, all of them can be listed.'

function prunedWords({ upTo, toldBy, isArchived, hadCommands }: PrunedCommands): string {
  const told = `were pruned, as entry #${toldBy} tells`
  const where = isArchived ? 'the archive has them' : 'no archive was made'
  if (hadCommands === true) return `Commands from before entry #${upTo} ${told}: ${where}.`
  const which = hadCommands === false ? 'no command was among them' : `if commands were among them, ${where}`
  return `The entries before #${upTo} ${told}; ${which}.`
}
