import type { Sayable } from '../../bot/channel.ts'
import { fieldsOf } from './discord-payload.ts'
import type { Rest } from './discord-rest.ts'

type Argument = Sayable['args'][number]

// "Application Command Structure" of Discord's documentation.
const MOST_DESCRIPTION = 100
const STRING = 3
const INTEGER = 4
const BOOLEAN = 5
/** What core completes. */
const COMPLETED: ReadonlySet<string> = new Set([
  ...['service', 'services', 'target', 'generation', 'incident', 'silence', 'command', 'operator', 'word'],
])
/** Of what is typed, in characters: no argument of the table may be longer. */
const LONGEST: { readonly [type: string]: number } = { code: 6, text: 300, filter: 1000, receipts: 4000 }
const DEFAULT_LONGEST = 1024

/** The words as slash commands with their options. Those for the host alone are none. */
export function commandsOf(words: readonly Sayable[]): object[] {
  return words
    .filter(({ host }) => host !== true)
    .map(({ word, summary, args }) => ({
      ...{ name: word, type: 1, description: shortened(summary), options: args.map(optionOf) },
      // In servers only: a chat with the bot alone is none of the configuration.
      ...{ contexts: [0], integration_types: [0] },
    }))
}

function optionOf({ name, type, help, optional, choices }: Argument): object {
  const base = { name, description: shortened(help), required: optional !== true }
  if (type === 'flag') return { ...base, type: BOOLEAN }
  if (type === 'count') return { ...base, type: INTEGER, min_value: 1, max_value: 1000 }
  if (type === 'choice')
    return { ...base, type: STRING, choices: (choices ?? []).map(value => ({ name: value, value })) }
  const completes = COMPLETED.has(type) ? { autocomplete: true } : {}
  const least = type === 'code' ? { min_length: 6 } : {}
  return { ...base, type: STRING, ...least, max_length: LONGEST[type] ?? DEFAULT_LONGEST, ...completes }
}

function shortened(text: string): string {
  return text.length <= MOST_DESCRIPTION ? text : `${text.slice(0, MOST_DESCRIPTION - 1).trimEnd()}…`
}

/**
 * Makes the application's commands what they are to be, all at once, if they are others: each overwriting counts for a day.
 * Resolves to whether they are so now. Never rejects: what it could not do is done at the next connection.
 */
export async function registerCommands(
  rest: Rest,
  words: readonly Sayable[],
  warn: (text: string) => void,
): Promise<boolean> {
  const me = await rest.ask({ method: 'get', route: '/oauth2/applications/@me' })
  const { id } = me.isDone ? fieldsOf(me.answer) : {}
  if (!me.isDone || typeof id !== 'string') return false
  const route = `/applications/${encodeURIComponent(id)}/commands` as const
  const now = await rest.ask({ method: 'get', route })
  if (!now.isDone) return false
  const wanted = commandsOf(words)
  if (JSON.stringify(comparable(now.answer)) === JSON.stringify(comparable(wanted))) return true
  const written = await rest.ask({ method: 'put', route, body: wanted })
  if (!written.isDone) warn(`Discord: the slash commands could not be registered: ${written.failure.why}`)
  return written.isDone
}

const OPTION_KEYS = ['name', 'type', 'description', 'choices', 'min_value', 'max_value', 'min_length', 'max_length']

/** What of the commands was said by us: Discord adds ids, versions and defaults. */
function comparable(commands: unknown): unknown {
  const listed = (Array.isArray(commands) ? commands : []).map(fieldsOf)
  return listed
    .map(({ name, description, options }) => ({
      ...{ name, description },
      options: (Array.isArray(options) ? options : []).map(fieldsOf).map(option => ({
        ...Object.fromEntries(OPTION_KEYS.map(key => [key, option[key] ?? null])),
        choices: (Array.isArray(option.choices) ? option.choices : []).map(choice => fieldsOf(choice).value),
        ...{ required: option.required === true, autocomplete: option.autocomplete === true },
      })),
    }))
    .sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1))
}
