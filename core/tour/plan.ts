import { writeFileSync } from 'node:fs'
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
} as const

/** How a visitor calls heald: in a clone npx finds it, an installed one is on the PATH. */
export const HEALD = import.meta.url.endsWith('.ts') ? 'npx heald' : 'heald'

/** What this visit works with. */
export interface Plan {
  /** The tour's state folder; the agent runs in it. */
  readonly dir: string
  readonly config: string
  readonly settings: string
  readonly url: string
  /** Why the agent has no memory limit here; null when it has one. */
  readonly noLimit: string | null
}

/** Writes a real configuration for the sample agent, and the agent's own settings. */
export async function writePlan(dir: string): Promise<Plan> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const plan: Plan = {
    dir,
    config: join(dir, 'heald.yaml'),
    settings: join(dir, 'settings.json'),
    url,
    noLimit: whyNoLimit(),
  }
  writeFileSync(plan.config, yaml(plan, port))
  mendSettings(plan)
  return plan
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

function yaml({ url, noLimit }: Plan, port: number): string {
  const { service, everyMs, timeoutMs, misses, crashes, slowMs, stableMs, memory } = SAMPLE
  const program = fileURLToPath(new URL('agent.js', import.meta.url))
  return `# The configuration of heald's tour. It is a real one: "heald up --config FILE" takes it as it is.
services:
  ${service}:
    run: [${JSON.stringify(process.execPath)}, ${JSON.stringify(program)}]
    env: { PORT: "${port}" }
    health: { http: "${url}/healthz", every: ${everyMs}ms, timeout: ${timeoutMs}ms, failures: ${misses}, startup: 10s }
    stop: { timeout: 2s }${noLimit === null ? `\n    limits: { memory: ${memory} }` : ''}
    # Short, so that it all happens before your eyes; left out, they are 60s, 30s and 60s.
    crashLoop: { failures: ${crashes}, within: 10s }
    restart: { backoff: { cap: ${slowMs}ms, resetAfter: ${stableMs}ms } }
`
}

function freePort(): Promise<number> {
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
