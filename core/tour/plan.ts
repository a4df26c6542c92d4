import { realpathSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { limitsBy } from '../config/facts.ts'
import { checkLimit } from '../doctor/groups.ts'

/** The sample service and how it is looked after, short enough that all of it happens before one's eyes. */
export const SAMPLE = {
  service: 'agent',
  memory: '128MiB',
  everyMs: 250,
  timeoutMs: 200,
  misses: 3,
  crashes: 3,
  slowMs: 1000,
  stableMs: 1000,
  probationMs: 1000,
} as const

/** How a visitor calls heald: in a clone npx finds it, an installed one is on the PATH. */
export const HEALD = import.meta.url.endsWith('.ts') ? 'npx heald' : 'heald'

/** The services that scenes add, each with its target. */
export const SWITCHED = { web: 'site', api: 'app' } as const
export type Switched = keyof typeof SWITCHED

/** What this visit works with. */
export interface Plan {
  /** The tour's state folder; the agent runs in it. */
  readonly dir: string
  readonly config: string
  readonly settings: string
  readonly url: string
  readonly port: number
  /** Why the agent has no memory limit here; null when it has one. */
  readonly noLimit: string | null
  /** The folder of releases that is the target `site`. No link leads there, as heald wants it. */
  readonly site: string
  /** All of Nix that the tour has; `profile` is the target `app`. */
  readonly nix: { readonly dir: string; readonly profile: string }
  /** Of the services that scenes have added so far. */
  readonly ports: Map<Switched, number>
}

/** Writes a real configuration for the sample agent, and the agent's own settings. */
export async function writePlan(dir: string): Promise<Plan> {
  const port = await freePort()
  const home = realpathSync(dir)
  const nix = join(home, 'nix')
  const plan: Plan = {
    ...{ dir, port, url: `http://127.0.0.1:${port}`, noLimit: whyNoLimit() },
    ...{ config: join(dir, 'heald.yaml'), settings: join(dir, 'settings.json'), site: join(home, 'site') },
    ...{ nix: { dir: nix, profile: join(nix, 'state/profiles/app') }, ports: new Map() },
  }
  writeConfig(plan)
  mendSettings(plan)
  return plan
}

/** Writes heald.yaml anew, with the services and targets that were added since. */
export function writeConfig(plan: Plan): void {
  const { noLimit, ports, site, nix } = plan
  const program = fileURLToPath(new URL('agent.js', import.meta.url))
  const limits = noLimit === null ? [`limits: { memory: ${SAMPLE.memory} }`] : []
  const cwds = { web: join(site, 'current'), api: nix.profile }
  const added = [...ports].map(([name, port]) =>
    serviceYaml(name, port, 'agent.mjs', [`cwd: ${JSON.stringify(cwds[name])}`, `target: ${SWITCHED[name]}`]),
  )
  const places = {
    web: `kind: releases, path: ${JSON.stringify(site)}`,
    api: `kind: nix-profile, profile: ${JSON.stringify(nix.profile)}`,
  }
  const targets = [...ports.keys()].map(name => `  ${SWITCHED[name]}: { ${places[name]} }\n`)
  const text = [
    '# The configuration of heald\'s tour. It is a real one: "heald up --config FILE" takes it as it is.\n',
    `services:\n${serviceYaml(SAMPLE.service, plan.port, program, limits)}${added.join('')}`,
    ...(targets.length === 0 ? [] : [`targets:\n${targets.join('')}switch: { probation: ${SAMPLE.probationMs}ms }\n`]),
  ]
  writeFileSync(plan.config, text.join(''))
}

function whyNoLimit(): string | null {
  const group = limitsBy('memory')
  if (group === undefined) return 'this host has no control groups that limit memory'
  if (!group.writable) return 'it takes the right to make control groups, which root has'
  if (checkLimit('memory', group).state !== 'ok') return `control groups pass none on here, see: ${HEALD} doctor`
  return null
}

export function breakSettings({ settings }: Plan): void {
  writeFileSync(settings, '{ "greeting": "hello"\n')
}

export function mendSettings({ settings }: Plan): void {
  writeFileSync(settings, '{ "greeting": "hello" }\n')
}

function serviceYaml(name: string, port: number, program: string, more: readonly string[]): string {
  const { everyMs, timeoutMs, misses, crashes, slowMs, stableMs } = SAMPLE
  const url = `http://127.0.0.1:${port}/healthz`
  return `  ${name}:
    run: [${JSON.stringify(process.execPath)}, ${JSON.stringify(program)}]
    env: { PORT: "${port}" }
    health: { http: "${url}", every: ${everyMs}ms, timeout: ${timeoutMs}ms, failures: ${misses}, startup: 10s }
    stop: { timeout: 2s }${more.map(line => `\n    ${line}`).join('')}
    # Short, so that it all happens before your eyes; left out, they are 60s, 30s and 60s.
    crashLoop: { failures: ${crashes}, within: 10s }
    restart: { backoff: { cap: ${slowMs}ms, resetAfter: ${stableMs}ms } }
`
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** `path` as a word for the shell. */
export function quoted(path: string): string {
  return /^[\w./:@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
