import { statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { faultToJson } from '../api/fault-json.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { commandName, stateFolder } from './cache.js'
import { type Context, EXIT, type Subcommand, type Values } from './command.ts'
import { socketFile, timeZone } from './context.ts'
import { drained, LAST_WORDS_MS } from './drain.ts'
import { exitOf } from './exit.ts'
import { nearest } from './suggest.ts'
import { cleanLine, cleanLines, wrapLines } from './text.ts'

/** Options of every subcommand. They may stand before or after its name. */
export const GLOBAL_OPTIONS = {
  state: { type: 'string' },
  json: { type: 'boolean' },
  'no-colour': { type: 'boolean' },
  'no-color': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const satisfies Subcommand['options']

export interface Parsed {
  readonly command: Subcommand | undefined
  readonly words: readonly string[]
  readonly values: Values
}

/**
 * Takes the argument line apart. A name or option that does not exist is a Fault `usage.*` with the nearest one that
 * does. Nothing is run.
 */
export function parse(argv: readonly string[], table: readonly Subcommand[]): Parsed {
  const name = commandName(argv)
  const command = table.find(row => row.name === name)
  if (name !== undefined && command === undefined) throw unknownCommand(name, table)
  const options: Subcommand['options'] = { ...command?.options, ...GLOBAL_OPTIONS }
  const rest = name === undefined ? [...argv] : argv.toSpliced(argv.indexOf(name), 1)
  const { tokens, values, positionals } = parseArgs({ args: rest, options, strict: false, tokens: true })
  const given = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = options[token.name]
    if (option === undefined) throw unknownOption(token.rawName, options, command)
    // Those of every subcommand may stand in an alias, to be said otherwise behind it.
    const isOnce = option.type === 'string' && option.multiple !== true && !Object.hasOwn(GLOBAL_OPTIONS, token.name)
    if (isOnce && given.has(token.name)) throw usage('usage.value', `--${token.name} is given twice`, command)
    given.add(token.name)
    const bare = !token.value || (!token.inlineValue && /^-./.test(token.value))
    if (option.type === 'string' && bare) throw usage('usage.value', `${token.rawName} needs a value`, command)
    if (option.type === 'boolean' && token.value !== undefined) {
      throw usage('usage.value', `${token.rawName} takes no value`, command)
    }
  }
  return { command, words: positionals, values }
}

/** Signals this close together are one Ctrl-C. */
const ONE_CTRL_C_MS = 500

/** Runs one argument line to its end, prints what went wrong, and ends the process with the exit code. */
export async function front(argv: readonly string[], table: readonly Subcommand[]): Promise<void> {
  const ending = new AbortController()
  let firstMs = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!ending.signal.aborted) {
        firstMs = performance.now()
        // The reason tells `up` one from the other.
        ending.abort(signal)
        return
      }
      // A second signal does not wait for a clean end. But npm hands on the Ctrl-C that the terminal has sent to all.
      if (performance.now() - firstMs > ONE_CTRL_C_MS) process.exit(exitBySignal(signal))
    })
  }
  process.stdout.on('error', error => {
    // The daemon outlives whoever read its output, and a full disk that it goes to: what happens is in the ledger.
    if (commandName(argv) === 'up') return
    // `heald … | head`: the reader has what it wanted.
    if (codeOf(error) === 'EPIPE') process.exit(EXIT.done)
    process.stderr.write(`heald: the output can't be written: ${messageOf(error)}\n`)
    process.exit(EXIT.bad)
  })
  process.stderr.on('error', () => process.stderr.destroy())
  process.exit(await delivered(await answer(argv, table, ending.signal), argv, ending.signal))
}

/**
 * The exit code once the readers have everything. Whoever asked for the output is waited for, until Ctrl-C; but a
 * daemon ends, and so does what was told to.
 */
async function delivered(code: number, argv: readonly string[], signal: AbortSignal): Promise<number> {
  const streams = [process.stdout, process.stderr]
  const isTold = signal.aborted || commandName(argv) === 'up'
  if (await drained(streams, isTold ? new AbortController().signal : signal, isTold ? LAST_WORDS_MS : undefined))
    return code
  return isTold ? code : exitBySignal(signal.reason)
}

/** As shells have it. */
function exitBySignal(signal: unknown): number {
  return 128 + (signal === 'SIGINT' ? 2 : 15)
}

async function answer(argv: readonly string[], table: readonly Subcommand[], signal: AbortSignal): Promise<number> {
  let context = contextOf({ json: argv.includes('--json') }, signal)
  try {
    const { command, words, values } = parse(argv, table)
    context = contextOf(values, signal)
    if (values.version === true) {
      const { version } = await import('./version.ts')
      context.out(context.json ? `${JSON.stringify({ version: version() })}\n` : `heald ${version()}\n`)
      return EXIT.done
    }
    if (command === undefined || values.help === true) {
      const { helpOn } = await import('./help.ts')
      const code = await helpOn(context, command === undefined ? [] : [command.name], table)
      return command === undefined && values.help !== true ? EXIT.usage : code
    }
    mustBeFolder(context.state)
    const { run } = await command.load()
    return await run(context, words, values)
  } catch (error) {
    return complain(orInterrupted(error, signal), context)
  }
}

/** A signal leads to its own reason, or to what Node throws for it; neither is a mistake. */
function orInterrupted(error: unknown, signal: AbortSignal): unknown {
  const isBySignal = signal.aborted && (error === signal.reason || codeOf(error) === 'ABORT_ERR')
  return isBySignal ? new Fault('interrupted', 'interrupted before it was done') : error
}

function contextOf(values: Values, signal: AbortSignal): Context {
  const { env, stdout } = process
  const option = typeof values.state === 'string' ? values.state : undefined
  const state = stateFolder(option, env, process.getuid?.() ?? 0)
  const json = values.json === true
  const tty = stdout.isTTY === true
  const plain = values['no-colour'] === true || values['no-color'] === true || !!env.NO_COLOR || env.TERM === 'dumb'
  return {
    out: text => void (stdout.writable && stdout.write(text)),
    err: text => void (process.stderr.writable && process.stderr.write(text)),
    env,
    tty,
    // Getters, because a window changes its size while a table is being watched. One that does not know its size says 0.
    get columns() {
      return stdout.columns || Number.POSITIVE_INFINITY
    },
    get rows() {
      return stdout.rows || 24
    },
    outBytes: bytes => void (stdout.writable && stdout.write(bytes)),
    ...(process.stdin.isTTY && tty ? { onKey } : {}),
    colour: tty && !plain && !json,
    json,
    state,
    socket: socketFile(state, env),
    // Asked for only when times are shown: the tables behind it cost the daemon memory.
    get tz() {
      return timeZone()
    },
    nowMs: () => Date.now(),
    signal,
  }
}

/** A state folder may be missing; but a file in its place would be told by every subcommand in other words. */
function mustBeFolder(state: string): void {
  let isFolder: boolean
  try {
    isFolder = statSync(state).isDirectory()
  } catch (error) {
    // What may not be looked at is told by whoever needs it.
    isFolder = codeOf(error) !== 'ENOTDIR'
  }
  if (isFolder) return
  throw new Fault('usage.state', `${state} can't be the state folder: it, or what it is in, is not a folder`, {
    hint: 'name a folder, which may be a new one: --state DIR',
  })
}

/** Raw mode hands over single keys, Ctrl-C among them: it is given back its meaning here. */
function onKey(listener: (key: string) => void): () => void {
  const { stdin } = process
  const heard = (bytes: Buffer) => {
    const key = bytes.toString()
    if (key === '\x03') process.kill(process.pid, 'SIGINT')
    else listener(key)
  }
  stdin.setRawMode(true)
  stdin.on('data', heard)
  return () => {
    stdin.off('data', heard)
    stdin.setRawMode(false)
    stdin.pause()
  }
}

/** Prints an error for a person, or as one JSON document, and answers with the exit code. */
function complain(error: unknown, context: Context): number {
  const json = faultToJson(error)
  const { code, message, hint } = json.error
  if (context.json) context.out(`${JSON.stringify(json)}\n`)
  else
    context.err(
      wrapLines(
        `heald: ${cleanLine(message)}\n${hint === null ? '' : `  ${cleanLines(hint).replaceAll('\n', '\n  ')}\n`}`,
        context.columns,
      ),
    )
  if (context.env.HEALD_DEBUG && error instanceof Error) context.err(`${error.stack}\n`)
  const { signal } = context
  return code === 'interrupted' && signal.aborted ? exitBySignal(signal.reason) : exitOf(code)
}

function unknownCommand(name: string, table: readonly Subcommand[]): Fault {
  const near = nearest(
    name,
    table.map(row => row.name),
  )
  const hint =
    near === undefined ? '"heald help" lists all subcommands.' : `Did you mean "heald ${near}"? "heald help" lists all.`
  return new Fault('usage.command', `there is no subcommand "${name}"`, { hint })
}

function unknownOption(rawName: string, options: Subcommand['options'], command: Subcommand | undefined): Fault {
  const near = nearest(
    rawName,
    Object.keys(options).map(name => `--${name}`),
  )
  const whose = command === undefined ? 'heald has' : `"heald ${command.name}" has`
  const fault = usage('usage.option', `${whose} no option ${rawName}`, command)
  if (near === undefined) return fault
  return new Fault(fault.code, fault.message, { hint: `Did you mean ${near}? ${fault.hint ?? ''}` })
}

/** A Fault of wrong use that shows how it is meant to be used. */
export function usage(code: `usage.${string}`, message: string, command: Subcommand | undefined): Fault {
  const line = command === undefined ? 'heald SUBCOMMAND …' : `heald ${command.name} ${command.usage}`.trimEnd()
  return new Fault(code, message, { hint: `Usage: ${line}` })
}
