import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { disk } from './files.ts'
import { isMissing, NotPlain, readPlain } from './plain-file.ts'

/**
 * The private keys of a ledger, `keys/<epoch>.pem` (PKCS #8, 0600). There is one, and two only while one takes over from
 * the other. They sign checkpoints and are of no other use.
 */
export interface KeyStore {
  /** Epochs whose key is there, in order. */
  epochs(): number[]
  /**
   * Throws a Fault (`ledger.key`) when it is missing or makes no sense; never with anything of the key in it. Throws the
   * system's errors.
   */
  load(epoch: number): KeyObject
  /** Makes the key of an epoch, durably; one that is there already is taken. Throws the system's errors. */
  create(epoch: number): Promise<KeyObject>
  /** Removes what a kill left of one that was being made: nobody was told of it. Throws the system's errors. */
  tidy(): void
  /** Overwrites and removes it, durably. Does nothing when it is gone already. Throws the system's errors. */
  erase(epoch: number): Promise<void>
}

const NAME = /^(\d{1,9})\.pem$/
const UNFINISHED = '.tmp'
const MOST_BYTES = 4096

export function keyStore(ledgerDir: string): KeyStore {
  const folder = join(ledgerDir, 'keys')
  const pathOf = (epoch: number): string => join(folder, `${epoch}.pem`)

  function epochs(): number[] {
    try {
      const found = readdirSync(folder).flatMap(name => NAME.exec(name)?.[1] ?? [])
      return found.map(Number).sort((a, b) => a - b)
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }

  function load(epoch: number): KeyObject {
    let pem: string
    try {
      pem = readPlain(pathOf(epoch), MOST_BYTES)
    } catch (error) {
      if (isMissing(error) || error instanceof NotPlain) throw unusable(pathOf(epoch), messageOf(error))
      // It may be good all the same.
      throw error
    }
    try {
      const key = createPrivateKey(pem)
      if (key.asymmetricKeyType === 'ed25519') return key
    } catch {
      // The library's own words might quote the file.
    }
    throw unusable(pathOf(epoch), 'it holds no Ed25519 key')
  }

  return {
    epochs,
    load,
    async create(epoch) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      if (epochs().includes(epoch)) return load(epoch)
      const { privateKey } = generateKeyPairSync('ed25519')
      const temporary = `${pathOf(epoch)}${UNFINISHED}`
      const pem = Buffer.from(privateKey.export({ format: 'pem', type: 'pkcs8' }))
      await written(await disk.open(temporary, 'w', 0o600), pem)
      await disk.rename(temporary, pathOf(epoch))
      await disk.syncFolder(folder)
      await disk.syncFolder(ledgerDir)
      return privateKey
    },
    tidy() {
      if (!existsSync(folder)) return
      for (const name of readdirSync(folder)) if (name.endsWith(UNFINISHED)) unlinkSync(join(folder, name))
    },
    async erase(epoch) {
      let fd: number
      try {
        fd = await disk.open(pathOf(epoch), 'r+', 0o600)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return
        throw error
      }
      await written(fd, Buffer.alloc(MOST_BYTES))
      unlinkSync(pathOf(epoch))
      await disk.syncFolder(folder)
    },
  }
}

/** From the start of the file on, durably; it is closed. */
async function written(fd: number, bytes: Buffer): Promise<void> {
  try {
    await disk.write(fd, bytes, 0)
    await disk.fsync(fd)
  } finally {
    await disk.close(fd)
  }
}

function unusable(path: string, why: string): Fault {
  return new Fault('ledger.key', `the key ${path} can't be used: ${why}`, {
    hint: 'checkpoints are not signed until "heald keygen" begins a new epoch; entries are recorded as ever',
  })
}
