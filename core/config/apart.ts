import { codeOf, Fault, messageOf } from '../fault.ts'
import { type HostFacts, hostFacts } from './facts.ts'
import { checkConfig } from './load.ts'
import type { Answer } from './load-apart.ts'

/**
 * The child of load-apart.ts: checks the file named by its first argument for the host described by its second, and
 * prints the Answer as JSON.
 */
async function answer(path: string, facts: HostFacts): Promise<Answer> {
  try {
    const checked = await checkConfig(path, { facts })
    return checked.problems === undefined ? { config: checked.config } : { problems: checked.problems }
  } catch (error) {
    const hint = error instanceof Fault ? error.hint : undefined
    return { fault: { code: codeOf(error), message: messageOf(error), ...(hint === undefined ? {} : { hint }) } }
  }
}

const [path = '', facts] = process.argv.slice(2)
process.stdout.write(
  JSON.stringify(await answer(path, facts === undefined ? hostFacts() : (JSON.parse(facts) as HostFacts))),
)
