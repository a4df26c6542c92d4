import { checkKeys } from './body.ts'
import type { Route } from './routes.ts'

const LONGEST_WHY = 300

/** The routes of commands, of freeze, and of who somebody is. */
export const COMMAND_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v1/commands', answer: async control => ({ json: await control.commands() }) },
  ...(['approve', 'deny'] as const).map(
    (step): Route => ({
      method: 'POST',
      path: `/v1/commands/:name/${step}`,
      answer: async (control, { name, body, by }) => {
        checkKeys(body, { claim: 'string', code: 'string', as: 'string' })
        const [code, as] = [body.code ?? null, body.as ?? null] as [string | null, string | null]
        return { json: await control.decide(step, name, { by, as, code }) }
      },
    }),
  ),
  {
    method: 'POST',
    path: '/v1/freeze',
    answer: async (control, { body, by }) => {
      checkKeys(body, { claim: 'string', why: 'string' })
      const why = typeof body.why === 'string' ? body.why.slice(0, LONGEST_WHY) : ''
      return { json: await control.freeze(why, by) }
    },
  },
  {
    method: 'POST',
    path: '/v1/unfreeze',
    answer: async (control, { body, by }) => {
      checkKeys(body, { claim: 'string' })
      return { json: await control.unfreeze(by) }
    },
  },
  {
    method: 'POST',
    path: '/v1/operators/:name/unlock',
    answer: async (control, { name, body, by }) => {
      checkKeys(body, { claim: 'string' })
      return { json: await control.unlock(name, by) }
    },
  },
  {
    method: 'POST',
    path: '/v1/whoami',
    answer: async (control, { body, by }) => {
      checkKeys(body, { claim: 'string' })
      return { json: await control.whoami(by) }
    },
  },
  { method: 'GET', path: '/v1/oncall', answer: async control => ({ json: await control.oncall() }) },
]
