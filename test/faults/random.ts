export type Random = (below: number) => number

/** Repeatable: the same seed plays the same game. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
