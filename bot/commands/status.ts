import type { ServiceState, ServiceStatus, Status } from '../../core/api/control.ts'
import type { TargetState, TargetStatus } from '../../core/api/switch-control.ts'
import { counted } from '../../core/cli/text.ts'
import { answer, at, button, cut, footer, lines, paged, type Render, type Showing } from './answer.ts'

const PER_PAGE = 15
const MOST_WHY = 160

const SERVICES: { readonly [state in ServiceState]: string } = {
  ...{ ready: '🟢', starting: '🔵', unhealthy: '🟠', backoff: '🟠', looping: '🔴' },
  ...{ stopping: '⚪', stopped: '⚪', held: '⛔' },
}
const TARGETS: { readonly [state in TargetState]: string } = {
  ...{ idle: '🟢', armed: '🔵', switching: '🔵', probation: '🟠', committing: '🔵', 'rolling-back': '🟠', held: '⛔' },
}
const UNWELL: ReadonlySet<ServiceState> = new Set(['unhealthy', 'backoff', 'looping', 'held'])

/** `status`, `status SERVICE`. */
export const status: Render = (data, _args, showing) => {
  const { host, services, targets, ledger, incidents } = data as Status
  const unwell = services.filter(({ state }) => UNWELL.has(state)).length
  const troubles = troublesOf(data as Status)
  const isWell = unwell === 0 && troubles.length === 0
  const { shown, row, note } = paged(services, PER_PAGE, showing)
  const more = incidents.open === 0 ? [] : [button(showing.links.say('incidents'), counted(incidents.open, 'incident'))]
  return answer(
    {
      ...{ icon: isWell ? '🟢' : unwell > 0 ? '🔴' : '🟠', tone: isWell ? 'good' : 'warning' },
      title: `${host}: ${counted(services.length, 'service')}, ${unwell === 0 ? 'none' : unwell} in trouble`,
      blocks: [
        ...lines(...troubles),
        ...lines(...shown.map(each => serviceLine(each, showing))),
        ...lines(...(showing.page === 1 ? targets.map(targetLine) : [])),
      ],
      footer: footer(note, ledger.receipt, host),
      buttons: [[...row, ...more]],
    },
    showing,
  )
}

function troublesOf({ daemon, channels }: Status): string[] {
  const why = daemon.why ?? 'the reason is not known'
  const by = daemon.frozenBy === null ? '' : ` (${daemon.frozenBy})`
  const down = channels.filter(({ state }) => state !== 'up')
  return [
    daemon.recording === 'ok' ? '' : `⛔ Not recording: ${why}. Services are still healed; orders are refused.`,
    daemon.frozen ? `🧊 Frozen: nothing is changed on its own until unfreeze${by}.` : '',
    ...down.map(({ name, state, why }) => `🟠 channel ${name} is ${state}${why === null ? '' : `: ${why}`}`),
  ].filter(line => line !== '')
}

function serviceLine(service: ServiceStatus, showing: Showing): string {
  const { name, state, sinceTs, restarts, check, generation, why } = service
  const parts = [
    `${state} since ${at(sinceTs, showing)}`,
    restarts === 0 ? '' : counted(restarts, 'restart'),
    generation ?? '',
    check.verdict === 'fail' ? `check: ${check.error ?? 'fails'}` : '',
    why ?? '',
  ]
  return `${SERVICES[state] ?? '❔'} ${name}: ${cut(parts.filter(part => part !== '').join(', '), MOST_WHY)}`
}

function targetLine({ name, state, current, knownGood, why }: TargetStatus): string {
  const good = knownGood === null ? 'nothing to go back to' : `back would lead to ${knownGood.generation}`
  const words = `${state}, runs ${current?.generation ?? 'nothing whole'}, ${good}${why === null ? '' : `, ${why}`}`
  return `${TARGETS[state] ?? '❔'} target ${name}: ${cut(words, MOST_WHY)}`
}
