import { findIncident } from '../incident/fold.ts'
import { secretReader } from '../secret.ts'
import { createAnswers, onCall, whoIs } from './answers.ts'
import { cliApart } from './cli-apart.ts'
import { createCompletion } from './completion.ts'
import { createCommandDesk } from './desk.ts'
import type { DeskOptions } from './desk-options.ts'
import { createHostDeeds } from './host-deeds.ts'
import { localIdentity } from './identity.ts'
import type { CommandsOptions } from './on-demand.ts'

/** The desk with all that it reaches on this host. */
export function createHostCommands(options: CommandsOptions) {
  const { memory, incidents, notices, switches, status } = options
  const people = () => options.config().people
  const deeds = createHostDeeds({
    ...options,
    ...{ people, targets: switches.statuses, silences: options.silences() },
  })
  const desk = createCommandDesk({
    ...options,
    ...{ people, deeds, offerable },
    chats: platform => options.config().notice.channels.find(({ kind }) => kind === platform)?.chats ?? [],
    readSecret: secretReader(process.env),
    read: createAnswers({ ...options, cli: cliApart(options), commands: async () => desk.commands() }),
    complete: createCompletion({ status, incidents, notices, memory, generations: () => switches.generations(null) }),
  })

  /** An incident can be acknowledged, its service started anew, its target led back, its notices silenced. */
  function offerable(about: string): ReturnType<DeskOptions['offerable']> {
    const [, target] = /^target:(.+)$/.exec(about) ?? []
    if (target !== undefined) return [{ word: 'rollback', args: { target } }]
    const incident = findIncident(incidents, about)
    if (incident === undefined || incident.state === 'resolved') return []
    const [name] = incident.services
    const service = options.services().find(each => each.name === name)
    const isSilent = [...notices.silences.values()].some(({ match }) => match.services?.includes(name ?? '') === true)
    return [
      ...(incident.state === 'open' ? [{ word: 'ack' as const, args: { id: about } }] : []),
      ...(service === undefined ? [] : [{ word: 'restart' as const, args: { service: service.name } }]),
      ...(service?.target == null ? [] : [{ word: 'rollback' as const, args: { target: service.target } }]),
      ...(service === undefined || isSilent
        ? []
        : [{ word: 'silence' as const, args: { service: service.name, for: '1h' } }]),
    ]
  }

  return {
    desk,
    whoami: async (by: string) => whoIs(localIdentity(by), options),
    oncall: async () => onCall(options.config()),
  }
}
