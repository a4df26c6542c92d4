import type { Fault, FaultDetails, Retry } from '../../core/fault.ts'

/** What a target or its dead-man can't do, in the shape of a Fault: adapters may not load the class itself. */
export class TargetFault extends Error implements Fault {
  readonly code: string
  readonly hint: string | undefined
  readonly retry: Retry

  constructor(
    code: `target.${string}` | `deadman.${string}`,
    message: string,
    { hint, retry = 'no', cause }: FaultDetails = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Fault'
    this.code = code
    this.hint = hint
    this.retry = retry
  }
}

const RETRY_MS = 5000

/** The file system's error for `path` as a fault; one that is a fault already stays what it is. */
export function faultOf(error: unknown, path: string): TargetFault {
  if (error instanceof TargetFault) return error
  const cause = error
  switch (errnoOf(error)) {
    case 'ENOENT':
      return new TargetFault('target.missing', `${path} is not there`, { cause })
    case 'EACCES':
    case 'EPERM':
      return new TargetFault('target.denied', `${path} may not be read or changed by this user`, {
        ...{ cause, hint: 'Look at the rights of that folder and of those above it, and at `chattr`.' },
      })
    case 'EROFS':
      return new TargetFault('target.denied', `${path} is on a file system that is read-only`, { cause })
    case 'ENOSPC':
    case 'EDQUOT':
      return new TargetFault('target.full', `there is no room left on the file system of ${path}`, {
        ...{ cause, retry: RETRY_MS, hint: 'Make room (blocks or inodes: df, df -i), then try again.' },
      })
    default: {
      const words = error instanceof Error ? error.message : String(error)
      return new TargetFault('target.broken', `${path} can't be used: ${words}`, {
        ...{ cause, retry: RETRY_MS, hint: 'The kernel log says what is wrong with the disk.' },
      })
    }
  }
}

/** The system's name of an error (`ENOENT`); '' for what is none. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
