/** The generation of its target that a service was started with. */
export interface Ran {
  /** Its name, for people: another generation may be given it once this one was deleted. */
  readonly generation: string
  /** Names it for good; null: it was started by a version that did not note it. */
  readonly path: string | null
}

/** Whether they are the same generation, as far as can be told. */
export function isSameRan(one: Ran | null, other: Ran | null): boolean {
  if (one === null || other === null) return one === other
  return one.path === null || other.path === null ? one.generation === other.generation : one.path === other.path
}

/** From the fields of an entry or a snapshot. */
export function ranFrom(generation: unknown, path: unknown): Ran | null {
  return typeof generation === 'string' ? { generation, path: typeof path === 'string' ? path : null } : null
}
