import { errnoOf } from './target-fault.ts'

/** Null where a path or a part of it does not exist; every other trouble is thrown on. */
export async function nullWhenMissing<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return null
    throw error
  }
}
