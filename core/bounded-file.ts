import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/**
 * The bytes of a file, one more than `mostBytes` of them where it is longer; null when what is there is not a file. Rejects
 * as the system calls do.
 */
export async function readBounded(path: string, mostBytes: number): Promise<Buffer | null> {
  // A pipe would wait for somebody to write.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!(await file.stat()).isFile()) return null
    const bytes = Buffer.alloc(mostBytes + 1)
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return bytes.subarray(0, length)
  } finally {
    await file.close()
  }
}
