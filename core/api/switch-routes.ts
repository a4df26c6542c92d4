import { Fault } from '../fault.ts'
import { type Body, checkKeys } from './body.ts'
import type { Control } from './control.ts'
import type { Route } from './routes.ts'

/** A path of Linux has 4,095 bytes. */
const LONGEST_REF = 4096

/**
 * The routes of targets and their generations. An order is answered at the end of the switch, which may be hours later:
 * the server's deadlines are for a request to arrive, never for its answer.
 */
export const SWITCH_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/generations',
    answer: async control => ({ json: await control.generations(null) }),
  },
  {
    method: 'GET',
    path: '/v1/targets/:name/generations',
    answer: async (control, { name }) => {
      mustKnow(control, name)
      return { json: await control.generations(name) }
    },
  },
  {
    method: 'GET',
    path: '/v1/targets/:name/changes',
    answer: async (control, { name, query }) => {
      mustKnow(control, name)
      const [from, to] = [query.get('from') ?? '', query.get('to') ?? '']
      if (from === '' || to === '') throw new Fault('request.query', '"from" and "to" have to name generations')
      return { json: await control.changes(name, from, to) }
    },
  },
  {
    method: 'POST',
    path: '/v1/targets/:name/deploy',
    answer: async (control, { name, body, by }) => {
      checkKeys(body, { claim: 'string', ref: 'string', force: 'boolean', unchecked: 'boolean' })
      const ref = refIn(body, 'ref')
      if (ref === null) throw new Fault('request.body', '"ref" is missing: the generation to deploy')
      mustKnow(control, name)
      const order = { ref, force: body.force === true, unchecked: body.unchecked === true }
      return { json: await control.deploy(name, order, by) }
    },
  },
  {
    method: 'POST',
    path: '/v1/targets/:name/rollback',
    answer: async (control, { name, body, by }) => {
      checkKeys(body, { claim: 'string', to: 'string', dryRun: 'boolean' })
      const order = { to: refIn(body, 'to'), dryRun: body.dryRun === true }
      mustKnow(control, name)
      return { json: await control.rollback(name, order, by) }
    },
  },
]

function mustKnow(control: Control, name: string): void {
  const { targets } = control.status()
  if (!targets.some(target => target.name === name)) throw unknownTarget(name, targets.length > 0)
}

export function unknownTarget(name: string, hasOthers: boolean): Fault {
  return new Fault('target.unknown', `there is no target ${JSON.stringify(name.slice(0, 100))}`, {
    hint: hasOthers
      ? '"heald status" lists them; they are configured under targets'
      : 'no targets are configured: they stand under "targets" in heald.yaml',
  })
}

/** A generation as an operator wrote it: its name, its number or its path. Null when the key is left out. */
function refIn(body: Body, key: 'ref' | 'to'): string | null {
  const given = body[key]
  if (typeof given !== 'string') return null
  if (given === '') throw new Fault('request.body', `"${key}" is empty`)
  if (given.length > LONGEST_REF) throw new Fault('request.body', `"${key}" is longer than ${LONGEST_REF} characters`)
  // What ends a path for the kernel would let another one be used than was read.
  if (given.includes('\0')) throw new Fault('request.body', `"${key}" holds a NUL character`)
  return given
}
