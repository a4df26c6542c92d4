import type { Subcommand } from './command.ts'
import { OPTIONS } from './manual.ts'
import { completed, type Proposal } from './proposal.ts'

/** A script for bash 4 and newer, which needs nothing else. */
export function bashScript(table: readonly Subcommand[]): string {
  const rows = completed(table)
  const values = rows.flatMap(({ name, options }) =>
    options.flatMap(({ flag, value }) => (value === undefined ? [] : [{ at: `${name} ${flag}`, value }])),
  )
  const places = rows.flatMap(({ name, first, second }) => [
    ...(first === null ? [] : [{ at: `${name} `, proposal: first }]),
    ...second.map(({ verb, proposal }) => ({ at: `${name} ${verb}`, proposal })),
  ])
  return `# Completes heald in bash. Made by: heald completion bash
_heald_offer() {
  local word
  while IFS= read -r word; do [[ $word == "$cur"* ]] && COMPREPLY+=("$word"); done
}
_heald_names() { "\${COMP_WORDS[0]}" \${state:+--state "$state"} completion names "$1" 2>/dev/null </dev/null; }
_heald() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command= state= waits= verb= word i count=0
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # bash takes "--state=DIR" apart at the sign.
    if [[ $word == = ]]; then continue; fi
    if [[ -n $waits ]]; then
      [[ $waits == --state ]] && state=$word
      waits=
    elif [[ $word == --state ]]; then waits=$word
    elif [[ $word == -* ]]; then
      case "$command $word" in
        ${caseOf(values.map(({ at }) => at))}) waits=$word ;;
      esac
    elif [[ -z $command ]]; then command=$word
    else
      verb=$word
      ((++count))
    fi
  done
  [[ $cur == = ]] && cur=
  if [[ -n $waits ]]; then
    case "$command $waits" in
${values.flatMap(({ at, value }) => (value === null ? [] : [`      ${caseOf([at])}) ${offer(value)} ;;`])).join('\n')}
      *' --state') ${offer({ disk: 'folders' })} ;;
    esac
  elif [[ $cur == -* ]]; then
    case $command in
${rows
  .filter(({ options }) => options.length > 0)
  .map(
    ({ name, options }) =>
      `      ${name}) ${offer({ choices: [...options.map(({ flag }) => flag), ...EVERYWHERE] })} ;;`,
  )
  .join('\n')}
      *) ${offer({ choices: EVERYWHERE })} ;;
    esac
  elif [[ -z $command ]]; then
    ${offer({ choices: rows.map(({ name }) => name) })}
  elif ((count < 2)); then
    case "$command $verb" in
${places.map(({ at, proposal }) => `      ${caseOf([at])}) ${offer(proposal)} ;;`).join('\n')}
    esac
  fi
}
complete -F _heald heald
`
}

const EVERYWHERE = OPTIONS.map(([option]) => option.replace(/ .*/, ''))

/** Alternatives of a case, in quotes because of the space in them. */
function caseOf(texts: readonly string[]): string {
  return texts.map(text => `'${text}'`).join(' | ')
}

function offer(proposal: Proposal): string {
  if ('choices' in proposal) return `_heald_offer < <(printf '%s\\n' ${proposal.choices.join(' ')})`
  if ('names' in proposal) return `_heald_offer < <(_heald_names ${proposal.names})`
  const kind = proposal.disk === 'files' ? '-f' : '-d'
  return `compopt -o filenames; mapfile -t COMPREPLY < <(compgen ${kind} -- "$cur")`
}
