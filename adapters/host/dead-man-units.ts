/** `$@` units: has systemd forget how often they were started, and prints those that have failed. */
const RESET = `
systemctl list-units --state=failed --plain --no-legend --full -- "$@" | while read -r unit _; do echo "$unit"; done
systemctl reset-failed -- "$@"
`

export function resetOf(units: readonly string[]): string[] {
  return ['sh', '-c', RESET, 'heald', ...units]
}

/**
 * What a dead-man does with the units of its target. A start limit that the bad generation has hit would refuse the good one
 * its start: it is set back before the activation, and what had failed and the activation has not started is started after
 * it. Names of units hold no spaces.
 */
export const OF_UNITS = `
reset_units() {
  [ "$n_reset" -gt 0 ] || return 0
  failed="$failed $(pick "$((n_move + n_owner + n_activate + n_boot))" "$n_reset" "$@" 9>&-)"
}

start_failed() {
  for unit in $failed; do timeout -s KILL 60 systemctl start --no-block -- "$unit" 9>&-; done
}
`
