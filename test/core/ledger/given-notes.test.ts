import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { notesIn } from '../../../core/ledger/given-notes.ts'
import { rawPublicKey, verifierKey, vkeyOf } from '../../../core/ledger/note.ts'
import { leafHash, toHex } from '../../../core/ledger/tree/hash.ts'

const ORIGIN = 'web-1.example/heald/0a1b2c3d'
const [old, present] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
const noteOf = (size: number, origin = ORIGIN): string =>
  signCheckpoint({ origin, size, root: leafHash(String(size)) }, old.privateKey, present.privateKey)
const [GOOD, LATER] = [noteOf(12), noteOf(345)]
/** What somebody else has signed it with beside heald. */
const WITNESSED = `${noteOf(345, 'witness.example').split('\n')[4]}\n`
const vkey = vkeyOf(verifierKey(ORIGIN, rawPublicKey(old.publicKey)) ?? assert.fail())

const WIREGUARD = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg='
const FOLDED = [
  'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=mail; bh=',
  '\t47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; t=1690000000; b=',
  ' dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGee',
  ' 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  'ARC-Authentication-Results: i=1; mx.example.org; dkim=pass; bh=',
  ' 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;',
].join('\n')

/** A text with every line changed. */
const each = (note: string, change: (line: string) => string): string =>
  note.trimEnd().split('\n').map(change).join('\n')
const wrapped = (note: string, at: number): string =>
  each(note, line => line.replace(new RegExp(`.{${at}}(?=.)`, 'g'), '$&\n'))

/** What happens to a text on its way. */
const MANGLED: Readonly<Record<string, string>> = {
  'its lines are wrapped at 76': each(wrapped(LATER, 76), line => line.replace('— ', '- ')),
  'its lines are wrapped at 20': wrapped(LATER, 20),
  'its lines are wrapped at 25': wrapped(LATER, 25),
  'its lines are wrapped at 40': wrapped(LATER, 40),
  'its signatures are wrapped at 72': LATER.replaceAll(/^(— .{70})/gm, '$1\n'),
  'its signatures are wrapped at the blank': LATER.replaceAll(/^(— \S+) /gm, '$1\n'),
  'somebody signs below': `${LATER}— Jane Doe\n`,
  'the root is wrapped': LATER.replace(/^(.{30})(.{13}=)$/m, '$1\n$2'),
  'the root is wrapped, and quoted': each(wrapped(LATER, 40), line => `> ${line}`),
  'the root lacks its end': LATER.replace(/^(.{43})=$/m, '$1'),
  'a hyphen for the dash': LATER.replaceAll('— ', '- '),
  'two hyphens for the dash': LATER.replaceAll('— ', '-- '),
  'a short dash': LATER.replaceAll('— ', '– '),
  'a dash of a page': LATER.replaceAll('— ', '&mdash; '),
  'a number as people write it': LATER.replace('\n345\n', '\n3,45\n'),
  'no number': LATER.replace('\n345\n', '\n'),
  'a line between': LATER.replace('\n345\n', '\n345\nSent from my phone\n'),
  'its signatures are gone': LATER.slice(0, LATER.indexOf('\n\n') + 1),
  'its text is gone': LATER.slice(LATER.indexOf('\n\n') + 1),
  'only its name and size are left': `${ORIGIN}\n\n345\n`,
  'only its name and root are left': `${ORIGIN}\n${LATER.split('\n')[2]}\n`,
  'only its size and root are left': `345\n${LATER.split('\n')[2]}\n`,
  'its text is one line, and its signatures are gone': LATER.split('\n').slice(0, 3).join(' '),
  'its root is doubled': LATER.replace(/^(.{43}=)$/m, '$1\n$1'),
  'only its signature is left, with a hyphen': LATER.split('\n')[4]?.replace('— ', '- ') ?? '',
  'an empty line behind each': each(LATER, line => `${line}\n`),
  'quoted with initials': each(LATER, line => `JD> ${line}`),
  'quoted with bars': each(LATER, line => `| ${line}`),
  'as a list': each(LATER, line => `* ${line}`),
  'as code': each(LATER, line => `\`${line}\``),
  'as a page': each(LATER, line => `<p>${line}<br></p>`),
  'in capitals': each(LATER, line => line.replace(ORIGIN, ORIGIN.toUpperCase())).replaceAll('— ', '- '),
  'with a character that is not seen': LATER.replace('heald/', 'heald\u200b/').replace('— ', '- '),
  'with a control in it': LATER.replace('heald/', 'heald/\u0008'),
  'as quoted-printable': each(LATER, line => line.replaceAll('=', '=3D').replaceAll('—', '=E2=80=94')),
  'as JSON': JSON.stringify({ size: 345, note: LATER }),
  'with the line ends of an old Mac': LATER.replaceAll('\n', '\r'),
  'as UTF-16': [...LATER].join('\0'),
  'two run together': LATER.slice(0, LATER.indexOf('\n\n') + 1) + noteOf(67),
  'in a full receipt': `c2sp.org/tlog-proof@v1\nextra e30=\nindex 3\n\n${LATER}`,
  'a mark before its first line': `* ${LATER}`,
  'a mark before its first line, and a witness has signed it': `* ${LATER}${WITNESSED}`,
  'somebody’s name before its first line': `Jane: ${LATER}`,
  'a character that is not seen before its first line': `\u200b${LATER}`,
  'a mark within its first line': LATER.replace('heald/', 'heald\u200b/'),
  'a colon behind its first line': LATER.replace('\n', ':\n'),
  'with a large first letter': `W${LATER.slice(1)}`,
  'its name as an address': LATER.replaceAll(ORIGIN, `http://${ORIGIN}`),
  'an address behind its name': LATER.replaceAll(ORIGIN, `${ORIGIN}<http://${ORIGIN}>`),
  'its name as a link of Markdown': LATER.replaceAll(ORIGIN, `[${ORIGIN}](http://${ORIGIN})`),
  'as a log of a chat that a mail has wrapped': each(LATER, line => `[11:08] ${line}`).replaceAll(
    /^(.*— \S+) /gm,
    '$1\n',
  ),
  'as a log of a chat, with blanks of a page': each(LATER, line => `[11:08] ${line}`).replaceAll(
    /(heald\/\w+) /g,
    '$1\u00a0',
  ),
  'as a page whose slashes are written otherwise': LATER.replaceAll('/', '&#x2F;'),
  'its name with places where a page may break it, which are not seen': LATER.replaceAll(
    'heald/',
    '\u200bheald/\u200b',
  ),
  'its name with hyphens that are not seen': LATER.replaceAll('heald/', 'he\u00adald/'),
  'its name with a blank of a page in it': LATER.replaceAll('heald/', 'heald/\u00a0'),
  'its name with the tags for such places': LATER.replaceAll('heald/', '<wbr>heald/<wbr>'),
  'its name with such places as a page writes them': LATER.replaceAll('heald/', 'he&shy;ald/&#8203;'),
  'its name with what a page marks it with, as what was looked for': LATER.replaceAll('heald', '<mark>heald</mark>'),
  'its name in colour, without what a terminal takes for it': LATER.replaceAll('heald', '[01;31m[Kheald[m[K'),
  'its name with a mark before its slash': LATER.replaceAll('heald/', 'heald\\/'),
  'its first line is wrapped, and a witness has signed it': LATER.replace('heald/', 'heald/\n') + WITNESSED,
  'a mark within its first line, and a witness has signed it': LATER.replace('heald/', 'heald\u200b/') + WITNESSED,
  'of another program': noteOf(345, 'other.example/log').replace('\n345\n', '\nmany\n'),
}

test('a checkpoint that can’t be read is named, wherever it stands beside a good one', () => {
  for (const [how, text] of Object.entries(MANGLED))
    for (const [place, given] of [
      ['behind', `${GOOD}\n${text}`],
      ['right behind', `${GOOD}${text}`],
      ['before', `${text}\n\n${GOOD}`],
      ['between', `${GOOD}\n\n${text}\n\n${GOOD}`],
      ['alone', text],
    ] as const) {
      const { unreadLine } = notesIn(given)
      assert.notEqual(unreadLine, null, `${place}: ${how}\n${given}`)
    }
})

test('the line of it is told', () => {
  assert.equal(notesIn(`${GOOD}\n${MANGLED['the root is wrapped']}`).unreadLine, GOOD.split('\n').length + 1)
  assert.equal(notesIn(`Dear Jane,\n\n${MANGLED['a hyphen for the dash']}`).unreadLine, 3)
})

test('text around checkpoints is of no account, whatever it is', () => {
  const mail = [
    'DKIM-Signature: v=1; a=rsa-sha256; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;',
    ' b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR',
    'From: Jane <jane@example.org>',
    `Subject: the checkpoint of ${ORIGIN}, and its key`,
    '',
    'Dear all,',
    `this is what ${ORIGIN} said on Monday. Its key is`,
    vkey,
    `${toHex(leafHash('x'))}  ${ORIGIN}/web-1.checkpoint`,
    '345',
    '#1042·mzxw6ytboi4dqnrxgyztsojthe',
  ].join('\n')
  for (const [what, text, wanted] of [
    ['alone', GOOD, [GOOD]],
    ['two', GOOD + LATER, [GOOD, LATER]],
    ['signed by a witness too', `${GOOD}\n${LATER}${WITNESSED}`, [GOOD, LATER + WITNESSED]],
    ['two, one of another log', `${GOOD}\n\n${noteOf(9, 'go.sum/tree')}`, 2],
    ['in a mail', `${mail}\n\n${GOOD}\n-- \nJane`, [GOOD]],
    ['in a mail, right below', `${mail}\n${GOOD}Jane`, [GOOD]],
    ['in a mail between', `${GOOD}\n${mail}\n${LATER}`, [GOOD, LATER]],
    ['quoted', each(`${mail}\n\n${GOOD}`, line => `> ${line}`), [GOOD]],
    ['with the line ends of Windows', each(`${mail}\n\n${GOOD}`, line => `${line}\r`), [GOOD]],
    ['none', mail, []],
    ['a key whose number has no letter', `Its key is\n${vkey.replace(/\+\w{8}\+/, '+02485020+')}\n\n${GOOD}`, [GOOD]],
    ['below a heading', `${ORIGIN}\n\n${GOOD}`, [GOOD]],
    ['right below a heading', `${ORIGIN}\n${GOOD}`, [GOOD]],
    ['each below its heading', `## ${ORIGIN}\n\n${GOOD}\n**${ORIGIN}**\n${LATER}`, [GOOD, LATER]],
    ['a heading of words', `${ORIGIN}:\nas of Monday, 12 entries.\nAll is well.\n\n${GOOD}\n${ORIGIN}\n`, [GOOD]],
    ['a key of WireGuard', `Its key is\n\n${WIREGUARD}\n\n— Jane Doe\n\n${GOOD}\n${WIREGUARD}\n`, [GOOD]],
    ['a WireGuard peer', `[Peer]\nPublicKey = ${WIREGUARD}\nPersistentKeepalive = 25\n\n${GOOD}`, [GOOD]],
    ['a folded DKIM header', `${FOLDED}\n\n${GOOD}`, [GOOD]],
    [
      'all of it, quoted',
      each(`${FOLDED}\n\n${ORIGIN}\n\nIts key:\n${WIREGUARD}\n${GOOD}`, line => `> ${line}`),
      [GOOD],
    ],
  ] as const) {
    const { notes, unreadLine } = notesIn(text)
    assert.equal(unreadLine, null, `${what}: ${text.split('\n')[(unreadLine ?? 1) - 1]}`)
    if (typeof wanted === 'number') assert.equal(notes.length, wanted, what)
    else assert.deepEqual(notes, wanted, what)
  }
})

test('the longest text is read to its end: no pattern needs more than its length', () => {
  const root = `${'A'.repeat(43)}=`
  // Each took minutes to hours with patterns that begin anew at each place.
  const LONG: readonly [what: string, text: string, unreadLine: number | null][] = [
    ['short lines', 'a\n'.repeat(65_000), null],
    ['numbers between empty lines', '1\n\n\n\n'.repeat(32_000), null],
    ['dots', `${'.'.repeat(130_000)}a`, null],
    ['marks that quote', `${'|'.repeat(130_000)}a`, null],
    ['dashes below a root', `${root}\n${'-'.repeat(130_000)}`, null],
    ['separators behind a number', `1${','.repeat(130_000)}a`, null],
    ['short lines above a signature', `${'a\n'.repeat(65_000)}— Jane x\n`, null],
    ['checkpoints without signatures', `${`x\n1\n${root}\n`.repeat(2600)}— Jane x\n`, 2],
  ]
  for (const [what, text, unreadLine] of LONG) assert.equal(notesIn(text).unreadLine, unreadLine, what)
})
