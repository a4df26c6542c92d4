import type { Subcommand } from './command.ts'
import { OPTIONS } from './manual.ts'
import { completed, type Proposal } from './proposal.ts'

/** Works as a file `_heald` in a folder of $fpath, and also when it is sourced after compinit. */
export function zshScript(table: readonly Subcommand[]): string {
  const rows = completed(table)
  const everywhere = OPTIONS.map(([option, text]) => {
    const [flag = '', value] = option.split(' ')
    return quoted(
      `${flag}${value === undefined ? '' : '='}[${escaped(text)}]${value === undefined ? '' : ':folder:_files -/'}`,
    )
  })
  const cases = rows.map(({ name, options, first, second }) => {
    const specs = [
      ...options.map(({ flag, value }) => quoted(value === undefined ? flag : `${flag}=:value:${actionOf(value)}`)),
      ...(first === null ? [] : [quoted(`1:word:${actionOf(first)}`)]),
      ...(second.length === 0 ? [] : [quoted('2:word:_heald_second')]),
    ]
    return `    ${name}) _arguments $everywhere ${specs.join(' ')} ;;`
  })
  const seconds = rows.flatMap(({ name, second }) =>
    second.map(({ verb, proposal }) => `    '${name} ${verb}') ${commandOf(proposal)} ;;`),
  )
  return `#compdef heald
# Completes heald in zsh. Made by: heald completion zsh
_heald_names() {
  local -a names
  # It may stand before the subcommand or after it.
  local folder=\${(Q)opt_args[--state]:-$heald_state}
  names=(\${(f)"$(heald \${folder:+--state} \${folder:+"$folder"} completion names $1 2>/dev/null)"})
  _describe -t $1 $1 names
}
_heald_second() {
  case "$heald_command $line[1]" in
${seconds.join('\n')}
  esac
}
_heald_words() {
  case $heald_command in
${cases.join('\n')}
  esac
}
_heald() {
  local curcontext=$curcontext state heald_command heald_state
  local -a line everywhere subcommands
  typeset -A opt_args
  everywhere=(${everywhere.join(' ')})
  subcommands=(
${rows.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  _arguments -C $everywhere '(-)1:subcommand:->command' '(-)*::word:->words'
  case $state in
    command) _describe -t subcommands subcommand subcommands ;;
    words)
      heald_command=$line[1]
      heald_state=\${(Q)opt_args[--state]}
      _heald_words
      ;;
  esac
}
if [[ $funcstack[1] == _heald ]]; then _heald "$@"; else compdef _heald heald; fi
`
}

function actionOf(proposal: Proposal | null): string {
  if (proposal === null) return ' '
  return 'choices' in proposal ? `(${proposal.choices.join(' ')})` : commandOf(proposal)
}

function commandOf(proposal: Proposal): string {
  if ('choices' in proposal) return `compadd ${proposal.choices.join(' ')}`
  // The space before it keeps zsh from putting words of its own in front of this one.
  if ('names' in proposal) return ` _heald_names ${proposal.names}`
  return proposal.disk === 'files' ? '_files' : '_files -/'
}

/** In an explanation a bracket would end it, and a colon a part. */
function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, '\\$&')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
