import type { Changes } from '../api/control.ts'
import { noWords } from './arguments.ts'
import { order } from './ask.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { cleanLine } from './text.ts'

/** `heald reload`: what was done, or with `--dry-run` what would be, service by service. */
export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  noWords(words, 'reload')
  const dryRun = values['dry-run'] === true
  const restart = values.restart === true
  const changes = (await order(context, '/v1/reload', { dryRun, restart })) as Changes
  context.out(context.json ? `${JSON.stringify({ dryRun, ...changes })}\n` : changesText(changes, dryRun))
  return EXIT.done
}

function changesText({ start, stop, release, restart, keep, pending }: Changes, dryRun: boolean): string {
  const rows: [what: string, names: readonly string[]][] = [
    [dryRun ? 'would start' : 'started', start],
    [dryRun ? 'would stop' : 'stopped', stop],
    [dryRun ? 'would let go of, and leave as they are' : 'let go of, and left as they are', release],
    [dryRun ? 'would restart' : 'restarted', restart],
    ['restart pending', pending],
    [dryRun ? 'would keep' : 'kept', keep],
  ]
  const lines = rows
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what}: ${cleanLine(names.join(', '))}`)
  const head = dryRun ? 'The configuration is valid. Nothing was changed.' : 'The configuration was applied.'
  const hint =
    pending.length === 0
      ? []
      : ['Services with "restart pending" run as before until "heald restart NAME" or "heald reload --restart".']
  return `${[head, ...lines, ...hint].join('\n')}\n`
}
