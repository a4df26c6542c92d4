import type { Subcommand } from './command.ts'
import { OPTIONS } from './manual.ts'
import { completed, type Proposal } from './proposal.ts'

export function fishScript(table: readonly Subcommand[]): string {
  const rows = completed(table)
  const lines = rows.flatMap(({ name, summary, options, first, second }) => {
    const at = `-n '__heald_at ${name}'`
    return [
      `complete -c heald -n '__heald_at' -a ${name} -d ${quoted(summary)}`,
      ...options.map(
        ({ flag, value }) => `complete -c heald ${`-n '__heald_in ${name}'`} -l ${flag.slice(2)}${takes(value)}`,
      ),
      ...(first === null ? [] : [`complete -c heald ${at} ${wordOf(first)}`]),
      ...second.map(({ verb, proposal }) => `complete -c heald -n '__heald_at ${name} ${verb}' ${wordOf(proposal)}`),
    ]
  })
  const everywhere = OPTIONS.map(([option, text]) => {
    const [flag = '', value] = option.split(' ')
    return `complete -c heald -l ${flag.slice(2)}${value === undefined ? '' : " -x -a '(__fish_complete_directories)'"} -d ${quoted(text)}`
  })
  return `# Completes heald in fish. Made by: heald completion fish
function __heald_words
    # The words so far that are no options; --state is the only option that may stand before the subcommand.
    set -l waits 0
    for word in (commandline -opc)[2..]
        if test $waits = 1
            set waits 0
        else if test "$word" = --state
            set waits 1
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end
function __heald_at
    set -l words (__heald_words)
    test "$words" = "$argv"
end
function __heald_in
    set -l words (__heald_words)
    test "$words[1]" = "$argv[1]"
end
function __heald_names
    set -l options
    set -l words (commandline -opc)
    if set -l at (contains -i -- --state $words)
        set options --state $words[(math $at + 1)]
    end
    heald $options completion names $argv 2>/dev/null
end
complete -c heald -f
${[...everywhere, ...lines].join('\n')}
`
}

function takes(value: Proposal | null | undefined): string {
  if (value === undefined) return ''
  if (value === null) return ' -x'
  return 'disk' in value && value.disk === 'files' ? ' -r -F' : ` -x ${wordOf(value)}`
}

function wordOf(proposal: Proposal): string {
  if ('choices' in proposal) return `-a '${proposal.choices.join(' ')}'`
  if ('names' in proposal) return `-a '(__heald_names ${proposal.names})'`
  return proposal.disk === 'files' ? '-F' : "-a '(__fish_complete_directories)'"
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
