import { parentPort } from 'node:worker_threads'
import { type Task, verifySegment } from './verify.ts'

/** One thread of a verification: follows the segments it is handed, one at a time. */
parentPort?.on('message', (task: Task) => parentPort?.postMessage(verifySegment(task)))
