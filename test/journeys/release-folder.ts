import { mkdirSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConfigInput, NODE, type Stand } from './stand.ts'

/** How a release of the sample service does. */
const PROGRAMS = {
  well: `require('node:http').createServer((_, answer) => answer.end('RELEASE\\n')).listen(process.env.PORT, '127.0.0.1')`,
  crashes: `console.error('RELEASE is broken'); process.exit(1)`,
  hangs: `require('node:http').createServer(() => {}).listen(process.env.PORT, '127.0.0.1')`,
  /** Up to now nothing is wrong with it: it dies once a file appears. */
  breaks: `require('node:http').createServer((_, answer) => answer.end('RELEASE\\n')).listen(process.env.PORT, '127.0.0.1')
setInterval(() => require('node:fs').existsSync('broken') && process.exit(3), 5)`,
  /** The trouble is not in the release. */
  needsRoom: `if (require('node:fs').existsSync(process.env.NO_ROOM)) { console.error('no room'); process.exit(1) }
require('node:http').createServer((_, answer) => answer.end('RELEASE\\n')).listen(process.env.PORT, '127.0.0.1')`,
} as const

export type Manner = keyof typeof PROGRAMS

export interface ReleaseFolder {
  readonly path: string
  readonly noRoom: string
  add(release: string, manner: Manner): string
  /** What `current` leads to. */
  current(): string
  /** A switch by hand, as people do it. */
  point(release: string): void
}

export function makeReleaseFolder(root: string): ReleaseFolder {
  const path = join(root, 'srv')
  mkdirSync(join(path, 'releases'), { recursive: true })
  const point = (release: string) => {
    symlinkSync(`releases/${release}`, join(path, 'by-hand'))
    renameSync(join(path, 'by-hand'), join(path, 'current'))
  }
  return {
    path,
    noRoom: join(root, 'no-room'),
    add(release, manner) {
      const folder = join(path, 'releases', release)
      mkdirSync(folder)
      writeFileSync(join(folder, 'agent.cjs'), PROGRAMS[manner].replaceAll('RELEASE', release))
      return folder
    },
    current: () => readlinkSync(join(path, 'current')).replace('releases/', ''),
    point,
  }
}

/** A configuration with one service `web` of the target `app`. Short times, so that a walk takes seconds. */
export function configOf(folder: ReleaseFolder, port: number, more: Partial<ConfigInput> = {}): ConfigInput {
  return {
    services: {
      web: {
        run: [NODE, 'agent.cjs'],
        cwd: join(folder.path, 'current'),
        env: { PORT: String(port), NO_ROOM: folder.noRoom },
        health: { http: `http://127.0.0.1:${port}/`, every: '100ms', timeout: '100ms', startup: '10s' },
        stop: { timeout: '2s' },
        target: 'app',
      },
    },
    targets: { app: { kind: 'releases', path: folder.path } },
    switch: { probation: '500ms', passes: 3 },
    ...more,
  }
}

export const isIdle = async (stand: Stand) => {
  const [target] = (await stand.status()).targets
  return target?.state === 'idle' && target.knownGood !== null ? target : null
}
