import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { acceptedStep, codeOf, newSecret, provisioningUri, secretFrom } from '../../../core/command/one-time-code.ts'

const SECRET = Buffer.from('12345678901234567890')

test('codes are those of RFC 4226, appendix D', () => {
  const codes = ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489']
  assert.deepEqual(
    codes.map((_, counter) => codeOf(SECRET, counter)),
    codes,
  )
})

test('and those of RFC 6238, appendix B, cut to six digits', () => {
  const vectors: [number, string][] = [
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ]
  for (const [seconds, code] of vectors) {
    const step = Math.floor(seconds / 30)
    assert.equal(codeOf(SECRET, step), code)
    assert.equal(acceptedStep(SECRET, code, seconds * 1000, 0), step)
  }
})

test('one step early or late is taken, two are not', () => {
  const nowMs = 1_700_000_010_000
  const now = Math.floor(nowMs / 30_000)
  for (const [by, isTaken] of [
    [-2, false],
    [-1, true],
    [0, true],
    [1, true],
    [2, false],
  ] as const)
    assert.equal(acceptedStep(SECRET, codeOf(SECRET, now + by), nowMs, 0), isTaken ? now + by : null, String(by))
})

test('a code is taken once, and none from before it afterwards', () => {
  const nowMs = 1_700_000_010_000
  const now = Math.floor(nowMs / 30_000)
  assert.equal(acceptedStep(SECRET, codeOf(SECRET, now), nowMs, now), null)
  assert.equal(acceptedStep(SECRET, codeOf(SECRET, now - 1), nowMs, now), null)
  assert.equal(acceptedStep(SECRET, codeOf(SECRET, now + 1), nowMs, now), now + 1)
})

test('what is no code is none', () => {
  for (const code of ['', '12345', '1234567', '12345a', '１２３４５６', ' 287082', '-28708'])
    assert.equal(acceptedStep(SECRET, code, 59_000, 0), null, code)
})

test('a secret is read as it is written, in any form that is base32, and never shown', () => {
  const secret = newSecret()
  assert.match(secret, /^[A-Z2-7]{32}$/)
  const bytes = secretFrom(secret)
  assert.equal(bytes.length, 20)
  assert.deepEqual(secretFrom(` ${secret.toLowerCase().match(/.{4}/g)?.join(' ')}\n`), bytes)
  assert.deepEqual(secretFrom('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'), SECRET)
  for (const bad of ['', 'GEZDGNBV', 'secret-0189-secret', '0'.repeat(32)])
    assert.throws(
      () => secretFrom(bad),
      (error: Error & { code?: string }) =>
        error.code === 'totp.secret' && !(bad !== '' && error.message.includes(bad)),
    )
})

test('any secret is the same after it was written and read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 40 }), bytes => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
      const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
      const text = (bits.match(/.{1,5}/g) ?? []).map(five => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]).join('')
      assert.deepEqual([...secretFrom(text)], [...bytes])
    }),
  )
})

test('an address for authenticator apps names the host and the operator', () => {
  assert.equal(
    provisioningUri('web-1', 'alice', 'abcd efgh'),
    'otpauth://totp/heald%20web-1%3Aalice?secret=ABCDEFGH&issuer=heald%20web-1&algorithm=SHA1&digits=6&period=30',
  )
})
