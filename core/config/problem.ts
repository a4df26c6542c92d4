import { Fault } from '../fault.ts'

/** One thing wrong in a configuration file, and where. Lines and columns count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** `services.agent.health.every`; empty for the file as a whole. */
  readonly path: string
  /** What is wrong, to be read after the path: "unknown key". Never repeats a value of `env`. */
  readonly message: string
  /** What to write instead. */
  readonly hint: string
  /** Errors make the file unusable; a warning is worth reading, e.g. a program that isn't installed yet. */
  readonly severity: 'error' | 'warning'
  /** The line to show under the message, values that could be secret masked; `caret` is an index into it. */
  readonly excerpt?: { readonly text: string; readonly caret: number }
}

/**
 * A configuration that can't be used, with everything that is wrong with it. Code `config.invalid`. The message has the
 * first error; where there are more, the hint lists all, a line each.
 */
export class ConfigFault extends Fault {
  readonly problems: readonly Problem[]

  constructor(file: string, problems: readonly Problem[]) {
    const errors = problems.filter(problem => problem.severity === 'error')
    const [first] = errors
    const rest = errors.length > 1 ? `, and ${errors.length - 1} more` : ''
    const where = first === undefined ? '' : `: ${placeOf(first)}`
    const all =
      errors.length > 1 ? errors.map(problem => `${file}:${problem.line}:${problem.column} ${wordsOf(problem)}`) : []
    super('config.invalid', `${file} can't be used${where}${rest}`, {
      hint: [...all, `run: heald config check ${file}`].join('\n'),
    })
    this.problems = problems
  }
}

function placeOf(problem: Problem): string {
  return `line ${problem.line}, ${wordsOf(problem)}`
}

function wordsOf({ path, message, hint }: Problem): string {
  return `${path === '' ? '' : `${path} `}${message}; ${hint}`
}
