import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  checkpointText,
  claimOf,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from '../../../core/ledger/checkpoint.ts'
import {
  MAX_NOTE_BYTES,
  openNote,
  parseVkey,
  rawPublicKey,
  signNote,
  splitNote,
  type VerifierKey,
  verifierKey,
  vkeyOf,
} from '../../../core/ledger/note.ts'
import { leafHash, toBase64 } from '../../../core/ledger/tree/hash.ts'

interface Vectors {
  readonly signed: readonly {
    readonly skey: string
    readonly vkey: string
    readonly text: string
    readonly note: string
  }[]
  readonly vkeys: readonly string[]
  readonly foreignVkeys: readonly string[]
  readonly checkpoint: { readonly note: string; readonly origin: string; readonly size: number; readonly root: string }
  readonly emptyLineInText: string
}

const path = join(import.meta.dirname, '../../fixtures/ledger-vectors/notes.json')
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors

/** What stands before the 32 bytes of a private Ed25519 key in its DER form (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

function privateKeyOf(skey: string): KeyObject {
  const seed = Buffer.from(skey.split('+').slice(4).join('+'), 'base64').subarray(1)
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
}

function keyPair(name: string): { readonly privateKey: KeyObject; readonly key: VerifierKey } {
  const { privateKey } = generateKeyPairSync('ed25519')
  return { privateKey, key: verifierKey(name, rawPublicKey(privateKey)) ?? assert.fail('no key') }
}

const parsed = (vkey: string): VerifierKey => parseVkey(vkey) ?? assert.fail(`${vkey} can't be read`)

test('the notes of others are signed to the byte, and opened', () => {
  assert.ok(vectors.signed.length > 0)
  for (const { skey, vkey, text, note } of vectors.signed) {
    const key = parsed(vkey)
    assert.equal(signNote(text, key.name, privateKeyOf(skey)), note)
    assert.equal(vkeyOf(key), vkey)
    const opened = openNote(note, [key])
    assert.ok(opened.ok)
    assert.equal(opened.text, text)
    assert.deepEqual(opened.signedBy, [key])
  }
})

test('keys of others are read; not those of other kinds, and none with a character changed', () => {
  for (const vkey of vectors.vkeys) {
    assert.equal(vkeyOf(parsed(vkey)), vkey)
    for (let at = 0; at < vkey.length; at++) {
      const other = vkey[at] === 'A' ? 'B' : 'A'
      assert.equal(parseVkey(vkey.slice(0, at) + other + vkey.slice(at + 1)), null, `character ${at} of ${vkey}`)
      assert.equal(parseVkey(vkey.slice(0, at)), null)
    }
  }
  for (const vkey of vectors.foreignVkeys) assert.equal(parseVkey(vkey), null)
  for (const odd of [
    '',
    '+',
    'a+b+c',
    'x'.repeat(1_000_000),
    'a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  ])
    assert.equal(parseVkey(odd), null)
})

test('the checkpoint of the specification is read', () => {
  const { note, origin, size, root } = vectors.checkpoint
  const claim = claimOf(note) ?? assert.fail('not read')
  assert.deepEqual([claim.origin, claim.size, toBase64(claim.root)], [origin, size, root])
  assert.equal(checkpointText(claim), note.slice(0, note.indexOf('\n\n') + 1))
})

test('a text with an empty line in it is parted at the last one', () => {
  const parts = splitNote(vectors.emptyLineInText)
  assert.ok('text' in parts)
  assert.ok(parts.text.endsWith('\n\ned è subito sera.\n'))
  assert.equal(parts.lines.length, 1)
  // What somebody signed must not be shown as only its beginning, or as more than was signed.
  const { privateKey, key } = keyPair('a')
  const note = signNote('pay 1\n\nnot really\n', 'a', privateKey)
  const opened = openNote(note, [key])
  assert.ok(opened.ok && opened.text === 'pay 1\n\nnot really\n')
  const inner = signNote('pay 1\n', 'a', privateKey)
  assert.equal(openNote(`${inner}\n— somebody AAAAAAAA\n`, [key]).ok, false)
})

test('signatures of others are ignored, and a wrong one of somebody known is not', () => {
  const [one, two, three] = [keyPair('one'), keyPair('two'), keyPair('three')]
  const note = signNote('text\n', 'one', one.privateKey)
  const lineOf = (who: typeof one, text: string): string =>
    signNote(text, who.key.name, who.privateKey).split('\n').at(-2) ?? ''
  const withOther = `${note}${lineOf(two, 'text\n')}\n`
  const both = openNote(withOther, [one.key, two.key])
  assert.ok(both.ok && both.signedBy.length === 2)
  assert.ok(openNote(withOther, [two.key]).ok)
  assert.ok(openNote(`${note}— strange.example AAAAAAAA\n`, [one.key]).ok)
  assert.equal(openNote(note, [three.key]).ok, false)
  assert.equal(openNote(note, []).ok, false)
  const wrong = `${note}${lineOf(two, 'another text\n')}\n`
  assert.equal(openNote(wrong, [one.key, two.key]).ok, false)
  assert.ok(openNote(wrong, [one.key]).ok)
  const twice = openNote(`${note}${lineOf(one, 'text\n')}\n`, [one.key])
  assert.ok(twice.ok && twice.signedBy.length === 1)
  // The same name with another key, and another name with the same key, are others.
  const namesake = keyPair('one')
  assert.equal(openNote(note, [namesake.key]).ok, false)
  const renamed = verifierKey('uno', rawPublicKey(one.privateKey)) ?? assert.fail()
  assert.equal(openNote(note, [renamed]).ok, false)
})

test('no note with a character changed, left out or put in is opened with the same text as before', () => {
  const { privateKey, key } = keyPair('web-1/heald/0a1b2c3d')
  const note = signCheckpoint({ origin: key.name, size: 41, root: leafHash('x') }, privateKey)
  assert.ok(openNote(note, [key]).ok)
  for (let at = 0; at < note.length; at++) {
    assert.equal(openNote(note.slice(0, at) + note.slice(at + 1), [key]).ok, false, `without character ${at}`)
    for (const other of ['A', '\n', ' ', '=', '\0', '\t', '\r', 'é', '—', '-', '_'])
      if (other !== note[at])
        assert.equal(openNote(note.slice(0, at) + other + note.slice(at + 1), [key]).ok, false, `${other} at ${at}`)
    for (const more of ['\n', ' ', '=', '\0', '\r']) {
      const changed = note.slice(0, at) + more + note.slice(at)
      assert.equal(openNote(changed, [key]).ok, false, `${JSON.stringify(more)} put in at ${at}`)
    }
  }
  assert.equal(openNote(note.slice(0, -1), [key]).ok, false)
  assert.equal(openNote(`${note}\n`, [key]).ok, false)
})

test('sloppy base64 is none: spare bits, no padding, the alphabet for addresses', () => {
  const { privateKey, key } = keyPair('k')
  const note = signNote('x\n', 'k', privateKey)
  const base64 = note.trimEnd().split(' ').at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  // 68 bytes: one `=`, and the last character carries two spare bits.
  const next = alphabet[alphabet.indexOf(base64.at(-2) ?? '') + 1] ?? ''
  const sloppy = [
    `${base64.slice(0, -2)}${next}=`,
    base64.slice(0, -1),
    `${base64}=`,
    `${base64.slice(0, 8)}\u00a0${base64.slice(8)}`,
  ]
  if (/[+/]/.test(base64)) sloppy.push(base64.replaceAll('+', '-').replaceAll('/', '_'))
  for (const each of sloppy) assert.equal(openNote(note.replace(base64, each), [key]).ok, false, each)
  assert.ok(openNote(note, [key]).ok)
})

test('a checkpoint counts for the log of its signer only', () => {
  const { privateKey, key } = keyPair('web-1/heald/0a1b2c3d')
  const other = keyPair('web-2/heald/00000000')
  const root = leafHash('x')
  const good = openCheckpoint(signCheckpoint({ origin: key.name, size: 7, root }, privateKey), [key])
  assert.ok(good.ok && good.checkpoint.size === 7 && good.checkpoint.root === root)
  const lent = signNote(checkpointText({ origin: key.name, size: 7, root }), other.key.name, other.privateKey)
  assert.equal(openCheckpoint(lent, [key, other.key]).ok, false)
  assert.equal(openCheckpoint(signNote('no checkpoint\n', key.name, privateKey), [key]).ok, false)
})

test('what is no checkpoint', () => {
  const root = toBase64(leafHash('x'))
  assert.ok(parseCheckpoint(`o\n0\n${root}\n`))
  assert.ok(parseCheckpoint(`o\n1\n${root}\nan extension\n`))
  const bad = [
    ...['', '\n', 'o\n', 'o\n1\n', `\n1\n${root}\n`, `o\n01\n${root}\n`, `o\n-1\n${root}\n`, `o\n1.5\n${root}\n`],
    ...[
      `o\n1e3\n${root}\n`,
      `o\n9007199254740993\n${root}\n`,
      `o\n99999999999999999999\n${root}\n`,
      `o\n 1\n${root}\n`,
    ],
    ...[`o\n1\n${root}`, `o\n1\n${root.slice(1)}\n`, `o\n1\n${root}\n\n`, `o\n1\n${root}\n\nmore\n`],
  ]
  for (const each of bad) assert.equal(parseCheckpoint(each), null, JSON.stringify(each))
  assert.throws(() => checkpointText({ origin: 'a\n5', size: 1, root: leafHash('x') }), TypeError)
  assert.throws(() => checkpointText({ origin: '', size: 1, root: leafHash('x') }), TypeError)
})

test('whatever it is given, a note is opened or not, and nothing is thrown', () => {
  const { key, privateKey } = keyPair('k')
  const good = signNote('text\n\nmore\n', 'k', privateKey)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat(good.length), (text, at) => {
      assert.equal(openNote(text, [key]).ok, false)
      const mixed = good.slice(0, at) + text + good.slice(at)
      const opened = openNote(mixed, [key])
      if (opened.ok) assert.equal(opened.text, 'text\n\nmore\n')
      claimOf(mixed)
    }),
  )
  for (const long of ['\n'.repeat(1_000_000), '— a b\n'.repeat(200_000), `x\n\n${'— a b\n'.repeat(1000)}`])
    assert.equal(openNote(long, [key]).ok, false)
  assert.equal(openNote(signNote(`${'x'.repeat(MAX_NOTE_BYTES)}\n`, 'k', privateKey), [key]).ok, false)
  for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u2003b', 'a\u00a0b', '\u0001'])
    assert.throws(() => signNote('x\n', name, privateKey), TypeError, JSON.stringify(name))
  assert.throws(() => signNote('no end', 'k', privateKey), TypeError)
})
