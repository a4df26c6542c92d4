import { parentPort, workerData } from 'node:worker_threads'
import { type Share, type Walked, walkSegment } from './verify-walk.ts'

/** One thread of a verification: takes the next segment as long as there is one. */
const { tasks, next } = workerData as Share
for (let index = Atomics.add(next, 0, 1); index < tasks.length; index = Atomics.add(next, 0, 1)) {
  const task = tasks[index]
  if (task !== undefined) parentPort?.postMessage({ index, walk: walkSegment(task) } satisfies Walked)
}
