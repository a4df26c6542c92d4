import type { MatchSpec, NoticeKind } from '../config/notice-spec.ts'

/** What a notice is about, for routes and silences. */
export interface About {
  readonly kind: NoticeKind
  readonly severity: 'info' | 'warning' | 'critical'
  readonly services: readonly string[]
}

/** Each part that is not null has to fit; of several services one is enough. */
export function fits({ severity, services, kinds }: MatchSpec, about: About): boolean {
  return (
    (severity === null || severity.includes(about.severity)) &&
    (kinds === null || kinds.includes(about.kind)) &&
    (services === null || services.some(pattern => about.services.some(name => isLike(pattern, name))))
  )
}

/** What kind of notice an incident of this service is. */
export function kindOf(service: string | undefined): NoticeKind {
  if (service === 'ledger') return 'ledger'
  return service?.startsWith('channel:') ? 'channel' : 'incident'
}

/** `pattern` may have `*` for any characters, also none. Takes no longer than both are long, multiplied. */
export function isLike(pattern: string, name: string): boolean {
  const [first = '', ...parts] = pattern.split('*')
  const last = parts.pop()
  if (last === undefined) return pattern === name
  if (!name.startsWith(first)) return false
  let at = first.length
  for (const part of parts) {
    const found = name.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return name.endsWith(last) && name.length - last.length >= at
}
