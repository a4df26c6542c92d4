/** Lets at most `most` calls be under way at once; the others begin in order. A call is begun in the turn it is let in. */
export function callGate(most: number): <T>(call: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let underWay = 0
  return async call => {
    if (underWay >= most) await new Promise<void>(resolve => void waiting.push(resolve))
    else underWay += 1
    try {
      return await call()
    } finally {
      const next = waiting.shift()
      // Its place is handed on, so that nobody who comes now gets in before.
      if (next === undefined) underWay -= 1
      else next()
    }
  }
}
