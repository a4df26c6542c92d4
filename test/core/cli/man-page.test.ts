import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import type { Subcommand } from '../../../core/cli/command.ts'
import { subcommands } from '../../../core/cli/commands.ts'
import { manPage } from '../../../core/cli/man-page.ts'
import { ENVIRONMENT, FILES, OPTIONS } from '../../../core/cli/manual.ts'
import { has } from '../../adapters/host/nix-stand.ts'

const unread = () => assert.fail('only names are read')
const table = subcommands({ up: unread, bot: unread, whatsapp: unread, fakes: unread, doctor: unread, init: unread })

/** What a reader of the page sees, on lines of any length and without bold letters. */
function shown(page: string): string {
  const { stdout, status, stderr } = spawnSync('mandoc', ['-T', 'utf8', '-O', 'width=1000'], {
    input: page,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return stdout.replaceAll(/.\x08/g, '')
}

test('the manual page has every subcommand, option, file and variable, and a strict reader has nothing to say', t => {
  if (!has('mandoc')) return t.skip('needs mandoc')
  const page = manPage(table, '1.2.3')
  const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], { input: page, encoding: 'utf8' })
  const said = stdout.split('\n').filter(line => line !== '' && !line.includes('missing date'))
  assert.deepEqual(said, [])
  const text = shown(page)
  for (const { name, usage, summary } of table) {
    assert.ok(text.includes(`heald ${name} ${usage}`.trim()), `${name} ${usage}`)
    assert.ok(text.includes(summary), summary)
  }
  for (const [name, what] of [...OPTIONS, ...FILES, ...ENVIRONMENT])
    assert.ok(text.includes(name) && text.includes(what), name)
  assert.match(text, /1\.2\.3/)
})

test('no text becomes a request of the page', t => {
  if (!has('mandoc')) return t.skip('needs mandoc')
  const hostile = ['.so /etc/passwd', "'so /etc/passwd", 'a \\fBbold\\fR word', '~ ^ ` " \\ · …', '--long  .B bold']
  const row: Subcommand = {
    name: 'x',
    usage: '',
    summary: 'One.',
    details: hostile.join('\n\n'),
    options: {},
    load: unread,
  }
  const text = shown(manPage([row], '0'))
  for (const line of hostile) for (const word of line.split(/ +/)) assert.ok(text.includes(word), `${word} in ${text}`)
})
