import type { SecretSpec } from '../config/channel-spec.ts'
import { findConfig } from '../config/find.ts'
import { loadConfigApart } from '../config/load-apart.ts'
import { DEFAULT_PATH } from '../config/programs.ts'
import type { HostConfig } from '../config/spec.ts'
import { type ChannelProbes, checkChannels, checkSecretFiles, sessionFolder } from '../doctor/channels.ts'
import type { Check } from '../doctor/check.ts'
import { checkDescriptors } from '../doctor/descriptors.ts'
import { checkGroups } from '../doctor/groups.ts'
import {
  checkDaemon,
  checkDeadMan,
  checkNix,
  checkNode,
  checkPrograms,
  checkRoot,
  checkSystemd,
} from '../doctor/runtime.ts'
import { checkStateFolder } from '../doctor/state-folder.ts'
import { secretToLookAt } from '../install/credentials.ts'
import { noWords } from './arguments.ts'
import type { Colour } from './colour.ts'
import { type Context, EXIT } from './command.ts'
import { table } from './table.ts'
import { cleanLine, wrapLines } from './text.ts'

/** What asks the platforms, handed in by the composition root; loaded only where there are channels. */
export type LoadProbes = (context: Context) => Promise<ChannelProbes>

/**
 * `heald doctor`: what this host can do, and whether the channels can be reached. Exit code 1 when something is missing
 * that heald can't do without; no channel is.
 */
export async function run(context: Context, words: readonly string[], loadProbes?: LoadProbes): Promise<number> {
  noWords(words, 'doctor')
  const checks = await examine(context, loadProbes)
  const isFit = checks.every(check => check.state !== 'missing')
  context.out(context.json ? `${JSON.stringify({ ok: isFit, checks })}\n` : checksText(checks, context))
  return isFit ? EXIT.done : EXIT.bad
}

async function examine(context: Context, loadProbes: LoadProbes | undefined): Promise<Check[]> {
  const { env, state, socket } = context
  const path = env.PATH ?? DEFAULT_PATH
  const configured = readConfigured()
  const parts = [
    [checkNode(process.version)],
    checkStateFolder(state),
    checkDaemon(socket).then(check => [check]),
    [checkRoot(process.getuid?.() ?? -1)],
    configured.then(config => [checkDescriptors(config?.services.length ?? null)]),
    checkGroups(),
    checkPrograms(path),
    checkDeadMan(path).then(check => [check]),
    checkSystemd().then(check => [check]),
    checkNix(path).then(check => [check]),
    configured.then(async config => {
      if (config === null || config.notice.channels.length === 0 || loadProbes === undefined) return []
      const { notice, bot } = config
      const { probe, readSecret } = await loadProbes(context)
      const lookAt = (secret: SecretSpec) => secretToLookAt(secret, bot)
      const probes: ChannelProbes = { probe, readSecret: async secret => readSecret(await lookAt(secret)) }
      const place = { path, session: sessionFolder(config, state) }
      const channels = await checkChannels(notice.channels, probes, place)
      return [...channels, ...(await checkSecretFiles(notice.channels, lookAt))]
    }),
  ]
  return (await Promise.all(parts)).flat()
}

/** The configuration that `heald up` would take here. A broken one is for `heald config check`. */
async function readConfigured(): Promise<HostConfig | null> {
  const path = findConfig(undefined, process.cwd())
  if (path === null) return null
  try {
    return await loadConfigApart(path)
  } catch {
    return null
  }
}

/** Never colour alone: each state has a sign and a word. */
const STATES: Readonly<Record<Check['state'], { readonly text: string; readonly colour: Colour }>> = {
  ok: { text: '✓ ok', colour: 'green' },
  warn: { text: '! warn', colour: 'yellow' },
  off: { text: '– off', colour: 'dim' },
  missing: { text: '✗ missing', colour: 'red' },
}

export function checksText(checks: readonly Check[], { columns, colour }: Pick<Context, 'columns' | 'colour'>): string {
  const rows = checks.map(({ state, title, why }) => [STATES[state], title, why])
  const head = [{ title: 'STATE' }, { title: 'WHAT' }, { title: 'SEEN', wraps: true }]
  const advice = checks.flatMap(({ title, advice: text }) =>
    text === undefined ? [] : [`${wrapLines(`  ${cleanLine(`${title}: ${text}`)}`, columns)}\n`],
  )
  const missing = checks.filter(check => check.state === 'missing').map(check => check.title)
  const verdict =
    missing.length > 0 ? `heald can't run here yet: ${missing.join(', ')} missing.` : 'heald can run here.'
  const todo = advice.length === 0 ? '' : `\nWhat could be done:\n${advice.join('')}`
  return `${table(head, rows, columns, colour)}${todo}\n${wrapLines(verdict, columns)}\n`
}
