interface Parameters {
  readonly retry_after?: number
  readonly migrate_to_chat_id?: number
}

/** What the Bot API answers: core.telegram.org/bots/api#making-requests. */
export type Answer =
  | { readonly ok: true; readonly result: unknown }
  | {
      readonly ok: false
      readonly error_code: number
      readonly description: string
      readonly parameters?: Parameters
    }

export function done(result: unknown): Answer {
  return { ok: true, result }
}

export function no(code: number, description: string): Answer {
  return { ok: false, error_code: code, description }
}

/** Thrown by what looks at a request; it is the answer. */
export class Refused extends Error {
  readonly answer: Answer
  constructor(code: number, description: string, parameters?: Parameters) {
    super(description)
    this.answer = { ok: false, error_code: code, description, ...(parameters === undefined ? {} : { parameters }) }
  }
}

export function tooFast(seconds: number): Refused {
  return new Refused(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds })
}
