import type { Context } from '../../../core/cli/command.ts'

/** A context without a terminal, and what was written to it. */
export function paperContext(changes: Partial<Context> = {}): {
  context: Context
  out: () => string
  err: () => string
} {
  let [out, err] = ['', '']
  const context: Context = {
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
    env: process.env,
    tty: false,
    columns: Number.POSITIVE_INFINITY,
    colour: false,
    json: false,
    state: '/nowhere',
    socket: '/nowhere/heald.sock',
    tz: 'UTC',
    nowMs: () => Date.now(),
    signal: new AbortController().signal,
    ...changes,
  }
  return { context, out: () => out, err: () => err }
}

/** The lines of a switch's steps, without the times in front. */
export const stepsIn = (out: string): string[] =>
  out.split('\n').flatMap(line => /^ {2}\d\d:\d\d:\d\d {2}(.*)$/.exec(line)?.[1] ?? [])
