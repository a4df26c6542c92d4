import { nearest } from '../cli/suggest.ts'
import type { SecretSpec } from './channel-spec.ts'
import { isRecord } from './document.ts'
import { kindOf, type Read, readText } from './read.ts'

const PLACES = ['file', 'env']

/**
 * How the tokens of the platforms look, wherever they stand in a text: they are never shown, also where somebody has
 * put one into the wrong place.
 */
export const TOKENS =
  /\b\d{6,12}:[\w-]{20,}|\b(?:xox[a-z]|xapp)-[\w-]{4,}|\b[\w-]{18,40}\.[\w-]{4,8}\.[\w-]{20,}|\b[0-9a-f]{32}\b/g

/** Reads where a secret is. Never shows what is written: it can be the secret itself. */
export function checkSecret(file: string, env: string): (value: unknown) => Read<SecretSpec> {
  const form = `{ file: ${file} } or { env: ${env} }`
  return value => {
    if (value === null || value === undefined) return { problem: 'has nothing in it', hint: `write ${form}` }
    if (typeof value === 'string' || typeof value === 'number') {
      const hint = `put it into a file or an environment variable, and write ${form}`
      return { problem: 'must not be in this file itself', hint }
    }
    if (!isRecord(value)) return { problem: `must say where it is, not be ${kindOf(value)}`, hint: `write ${form}` }
    const other = Object.keys(value).find(key => !PLACES.includes(key))
    if (other !== undefined) {
      const near = nearest(other, PLACES)
      const hint = near === undefined ? `write ${form}` : `did you mean "${near}"?`
      return { problem: 'has a key other than file and env', hint }
    }
    if (Object.keys(value).length !== 1) {
      const problem = Object.keys(value).length === 0 ? 'does not say where it is' : 'names two places'
      return { problem, hint: `write ${form}` }
    }
    const isFile = Object.hasOwn(value, 'file')
    const read = readText(isFile ? value.file : value.env, isFile ? file : env)
    if (!('value' in read)) return { ...read, at: [isFile ? 'file' : 'env'] }
    const isToken = read.value.match(TOKENS) !== null
    if (isToken || (!isFile && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(read.value))) {
      const what = isFile ? 'the path of a file' : 'the name of an environment variable'
      const hint = `put the secret there, and write ${isFile ? `file: ${file}` : `env: ${env}`}`
      return { problem: `is not ${what}`, hint, at: [isFile ? 'file' : 'env'] }
    }
    return { value: isFile ? { file: read.value } : { env: read.value } }
  }
}
