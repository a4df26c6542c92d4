/**
 * One thing `heald doctor` looked at. `missing` is what heald can't do without; `off` is something this host doesn't
 * have and heald works without; `warn` works, but not as well as it could.
 */
export interface Check {
  readonly id: string
  readonly title: string
  readonly state: 'ok' | 'warn' | 'off' | 'missing'
  /** What was seen. */
  readonly why: string
  /** What to do about it; left out where nothing needs doing. */
  readonly advice?: string
}
