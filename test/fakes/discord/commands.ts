import type { Reply } from './limits.ts'
import { fieldsOf, invalidForm } from './validate.ts'
import type { World } from './world.ts'

// "Application Commands" of Discord's documentation: what is taken as a command, and what its client lets people send.

export interface Registered {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly options: readonly Option[]
}

export interface Option {
  readonly name: string
  readonly description: string
  /** 3 text, 4 whole number, 5 yes or no. */
  readonly type: number
  readonly required?: boolean
  readonly autocomplete?: boolean
  readonly choices?: readonly { readonly name: string; readonly value: string }[]
  readonly min_length?: number
  readonly max_length?: number
  readonly min_value?: number
  readonly max_value?: number
}

const NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u
const OPTION_FIELDS = [
  ...['name', 'description', 'type', 'required', 'autocomplete', 'choices', 'min_length', 'max_length'],
  ...['min_value', 'max_value'],
]
const COMMAND_FIELDS = [
  ...['name', 'description', 'type', 'options', 'contexts', 'integration_types', 'default_member_permissions', 'nsfw'],
]
const MOST_PUT_A_DAY = 200

/** `PUT /applications/{id}/commands`: all of them are overwritten, or none. */
export function putCommands(world: World, body: unknown): Reply {
  world.commandsPut += 1
  if (world.commandsPut > MOST_PUT_A_DAY) world.breaches.push('over 200 commands made in a day')
  if (!Array.isArray(body) || body.length > 100) return refusal([], 'BASE_TYPE_BAD_LENGTH', 'Must be 100 or fewer')
  for (const [at, command] of body.entries()) {
    const wrong = faultOfCommand(fieldsOf(command))
    if (wrong !== null) return refusal([at, ...wrong.at], 'APPLICATION_COMMAND_INVALID', wrong.message)
  }
  const names = body.map(command => fieldsOf(command).name)
  if (new Set(names).size < names.length)
    return refusal([], 'APPLICATION_COMMANDS_DUPLICATE_NAME', 'Application command names must be unique')
  world.commands = body.map(command => ({ options: [], ...command, id: world.newId() }))
  // The real one adds fields of its own, and leaves out what is the default.
  return { status: 200, body: listed(world) }
}

export function listed(world: World): object[] {
  return world.commands.map(({ options, ...command }) => ({
    ...{ ...command, application_id: world.application, version: command.id, nsfw: false },
    ...(options.length === 0
      ? {}
      : { options: options.map(({ required, ...option }) => (required ? { ...option, required } : option)) }),
  }))
}

function refusal(at: readonly (string | number)[], code: string, message: string): Reply {
  return invalidForm([{ at, code, message }])
}

type Wrong = { readonly at: readonly (string | number)[]; readonly message: string }

function faultOfCommand(command: Readonly<Record<string, unknown>>): Wrong | null {
  const other = Object.keys(command).find(key => !COMMAND_FIELDS.includes(key))
  if (other !== undefined) return { at: [other], message: 'the fake knows no such field' }
  const named = faultOfNames(command)
  if (named !== null) return named
  const options = Array.isArray(command.options) ? command.options.map(fieldsOf) : []
  if (options.length > 25) return { at: ['options'], message: 'Must be 25 or fewer in length.' }
  let isOptional = false
  for (const [at, option] of options.entries()) {
    const wrong = faultOfOption(option)
    if (wrong !== null) return { at: ['options', at, ...wrong.at], message: wrong.message }
    if (isOptional && option.required === true)
      return { at: ['options', at], message: 'Required options must be placed before non-required options' }
    isOptional ||= option.required !== true
  }
  if (new Set(options.map(({ name }) => name)).size < options.length)
    return { at: ['options'], message: 'Option names must be unique' }
  const size = JSON.stringify([command.name, command.description, options]).length
  return size > 8000 ? { at: [], message: 'Command exceeds maximum size (8000)' } : null
}

function faultOfOption(option: Readonly<Record<string, unknown>>): Wrong | null {
  const other = Object.keys(option).find(key => !OPTION_FIELDS.includes(key))
  if (other !== undefined) return { at: [other], message: 'the fake knows no such field' }
  const named = faultOfNames(option)
  if (named !== null) return named
  const { type, autocomplete, choices, min_length: least = 0, max_length: most = 6000 } = option
  if (![3, 4, 5].includes(Number(type))) return { at: ['type'], message: 'the fake knows no such type' }
  if (autocomplete === true && choices !== undefined)
    return { at: ['autocomplete'], message: 'autocomplete may not be set to true if choices are present' }
  if (autocomplete === true && type === 5) return { at: ['autocomplete'], message: 'not for this type' }
  if (Array.isArray(choices) && choices.length > 25) return { at: ['choices'], message: 'Must be 25 or fewer' }
  const isSound = Number(least) >= 0 && Number(least) <= 6000 && Number(most) >= 1 && Number(most) <= 6000
  return isSound ? null : { at: ['max_length'], message: 'Must be between 1 and 6000' }
}

function faultOfNames({ name, description }: Readonly<Record<string, unknown>>): Wrong | null {
  if (typeof name !== 'string' || !NAME.test(name) || name !== name.toLowerCase())
    return { at: ['name'], message: 'Command name is invalid' }
  const length = typeof description === 'string' ? [...description].length : 0
  return length >= 1 && length <= 100 ? null : { at: ['description'], message: 'Must be between 1 and 100 in length.' }
}

export interface Sent {
  readonly name: string
  readonly type: number
  readonly value: string | number | boolean
}

/** A line as a person fills it into the client's fields, one word after the other, the last field with the rest. */
export function typedInto(commands: readonly Registered[], line: string): { name: string; options: Sent[] } {
  const [name = '', ...words] = line
    .replace(/^\//, '')
    .split(' ')
    .filter(word => word !== '')
  const command = commands.find(each => each.name === name)
  if (command === undefined) throw new Error(`there is no command /${name} to be sent`)
  const flags = command.options.filter(({ type }) => type === 5)
  const isFlag = (word: string) => flags.some(flag => `--${flag.name}` === word)
  const plain = words.filter(word => !isFlag(word))
  const fields = command.options.filter(({ type }) => type !== 5)
  const options: Sent[] = fields.flatMap((option, at): Sent[] => {
    const isLast = at === fields.length - 1
    const value = isLast ? plain.slice(at).join(' ') : (plain[at] ?? '')
    if (value === '') return []
    return [{ name: option.name, type: option.type, value: option.type === 4 ? Number(value) : value }]
  })
  if (fields.length === 0 && plain.length > 0) throw new Error(`/${name} has no field for ${plain[0]}`)
  const yes = words.filter(isFlag).map((word): Sent => ({ name: word.slice(2), type: 5, value: true }))
  return { name, options: [...options, ...yes] }
}

/** The client lets nobody send what the command does not take; throws with why. */
export function checkSent(commands: readonly Registered[], name: string, options: readonly Sent[]): void {
  const command = commands.find(each => each.name === name)
  if (command === undefined) throw new Error(`there is no command /${name} to be sent`)
  for (const option of command.options)
    if (option.required === true && !options.some(sent => sent.name === option.name))
      throw new Error(`/${name}: ${option.name} is required`)
  for (const { name: given, value } of options) {
    const option = command.options.find(each => each.name === given)
    if (option === undefined) throw new Error(`/${name} has no option ${given}`)
    const { type, choices, min_length: least = 0, max_length: most = 6000, min_value, max_value } = option
    const isOfType =
      type === 3 ? typeof value === 'string' : type === 5 ? typeof value === 'boolean' : Number.isInteger(value)
    if (!isOfType) throw new Error(`/${name}: ${given} can’t be ${JSON.stringify(value)}`)
    if (choices !== undefined && !choices.some(choice => choice.value === value))
      throw new Error(`/${name}: ${given} has no choice ${value}`)
    if (typeof value === 'string' && (value.length < least || value.length > most))
      throw new Error(`/${name}: ${given} has ${value.length} characters`)
    if (typeof value === 'number' && (value < (min_value ?? -Infinity) || value > (max_value ?? Infinity)))
      throw new Error(`/${name}: ${given} can’t be ${value}`)
  }
}
