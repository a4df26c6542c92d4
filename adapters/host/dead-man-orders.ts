import { basename, join } from 'node:path'
import type { Ref } from '../../core/safeswitch/journal.ts'
import type { Account } from './account.ts'
import { RUN } from './activation.ts'
import { markOf } from './activation-end.ts'
import { resetOf } from './dead-man-units.ts'
import { TargetFault } from './target-fault.ts'

/** The target as the configuration has it. */
export interface DeadManTarget {
  readonly name: string
  readonly kind: 'releases' | 'nix-profile' | 'nixos'
  readonly path: string
  readonly running: string
  readonly activate: readonly string[]
  readonly activationDeadlineMs: number
}

/** Commands that lead back; an empty one is nothing to do. */
export interface Orders {
  /** Moves the pointer. Exit codes: 3 no such generation, 4 not ours to move, 5 busy, 6 not moved. */
  readonly move: readonly string[]
  /** The same as the folder's owner. */
  readonly moveAsOwner: readonly string[]
  readonly activate: readonly string[]
  readonly boot: readonly string[]
  /** Has systemd forget how often units were started, and prints those that have failed. */
  readonly reset: readonly string[]
}

/**
 * Moves `current` as pointer.ts does. It stays in the folder it has entered, and goes on only if that is its own user's:
 * root in root's folder, which nobody else can change; or, called once more, the owner of the folder, who gains nothing
 * by leading himself astray. `$1` folder, `$2` release.
 */
const MOVE_RELEASE = `
unset CDPATH
cd -P -- "$1" || exit 4
[ -O . ] || exit 4
[ "$(pwd -P; echo .)" = "$1
." ] || exit 4
[ -d "releases/$2" ] && ! [ -L releases ] && ! [ -L "releases/$2" ] || exit 3
leads() { [ "$(readlink current; echo .)" = "releases/$1
." ]; }
if ! leads "$2"; then
  rm -f -- .current.heald-new && ln -sT -- "releases/$2" .current.heald-new && mv -fT -- .current.heald-new current || exit 6
fi
sync . || exit 6
leads "$2" || exit 6
`

/**
 * Moves a profile as nix-pointer.ts does, with the same lock and names. The second time (`HEALD_TRY`) it goes on without
 * the lock: what guards the numbering of generations must not keep a bad one running. The folder it has entered must be its
 * own user's, and no link may stand for the lock: root would make what it leads to. `$1` folder, `$2` the profile's name in
 * it, `$3` the path to lead to, `$4` the generation's link that is preferred, or ''.
 */
const MOVE_PROFILE = `
unset CDPATH
folder=$1 name=$2 path=$3 wanted=$4
[ -e "$path" ] || exit 3
cd -P -- "$folder" || exit 4
[ -O . ] || exit 4
[ "$(pwd -P; echo .)" = "$folder
." ] || exit 4
profile=./$name
! [ -L "$profile.lock" ] || exit 4
[ -L "$profile" ] || ! [ -e "$profile" ] || exit 6
held= turn=0
while [ -z "$held" ] && [ "$turn" -lt 20 ]; do
  turn=$((turn + 1))
  command exec 8>> "$profile.lock" && flock -w 5 8 || break
  [ "$profile.lock" -ef /proc/self/fd/8 ] && ! [ -s "$profile.lock" ] && held=1
done
[ -n "$held" ] || [ "$HEALD_TRY" = 2 ] || exit 5
find_link() {
  found= highest=0 newest=0
  for link in "$profile"-*-link; do
    number=\${link#"$profile"-} number=\${number%-link}
    case $number in '' | 0* | *[!0-9]* | ??????????*) continue ;; esac
    [ "$number" -le "$highest" ] || highest=$number
    [ "$link" -ef "$path" ] && [ "$number" -gt "$newest" ] && newest=$number found=\${link#./}
  done
  [ -n "$wanted" ] && [ -L "./$wanted" ] && [ "./$wanted" -ef "$path" ] && found=$wanted
  [ -n "$found" ]
}
point() {
  rm -f -- "./.heald_$name" && ln -sT -- "$1" "./.heald_$name" && mv -fT -- "./.heald_$name" "$profile"
}
leads() { [ "$profile" -ef "$path" ]; }
if ! leads; then
  if find_link; then
    point "$found"
  else
    timeout -s KILL 20 nix-env --option substitute false --profile "$folder/$name" --set "$path"
    # Its disk is full, or its database broken.
    leads || find_link || { found=$name-$((highest + 1))-link; ln -sT -- "$path" "./$found"; }
    leads || point "$found"
  fi
fi
sync . || exit 6
leads || exit 6
`
const PROGRAM = 'bin/switch-to-configuration'
const MOVE_S = '60'
const BOOT_MS = 300_000

/** How much later than its own `timeout` the dead-man ends a command whose user keeps that from its work. */
const BACKSTOP_MS = 3000

/** What leads `target` back to `to`. Rejects what is none of the target's. `folder`: a profile's, without links in its path. */
export function ordersFor(
  target: DeadManTarget,
  to: Ref,
  account: Account | null,
  folder: string,
  units: readonly string[],
): Orders {
  const { kind, path } = target
  const become = account?.become ?? []
  const mark = markOf(path)
  const inside = (limitMs: number, argv: readonly string[]) =>
    argv.length === 0
      ? []
      : [
          ...['setsid', ...become, 'sh', '-c', RUN, 'heald', to.path],
          ...['timeout', '-s', 'KILL', String(Math.ceil(limitMs / 1000)), 'env', mark, ...argv],
        ]
  const bounded = (argv: readonly string[]) => ['timeout', '-s', 'KILL', MOVE_S, ...argv]
  const reset = units.length === 0 ? [] : bounded(resetOf(units))
  if (kind === 'releases') {
    const release = basename(to.path)
    if (to.path !== join(path, 'releases', release) || ['', '.', '..'].includes(release) || to.path.includes('\0'))
      throw new TargetFault('deadman.goal', `${to.path} is no release of ${target.name}`)
    const move = ['sh', '-c', MOVE_RELEASE, 'heald', path, release]
    return {
      move: bounded(move),
      moveAsOwner: account === null ? [] : bounded([...become, ...move]),
      activate: inside(target.activationDeadlineMs, target.activate),
      boot: [],
      reset,
    }
  }
  const link = /^[1-9]\d{0,8}$/.test(to.generation) ? `${basename(path)}-${to.generation}-link` : ''
  const isSystem = kind === 'nixos'
  return {
    move: bounded(['sh', '-c', MOVE_PROFILE, 'heald', folder, basename(path), to.path, link]),
    moveAsOwner: [],
    activate: inside(target.activationDeadlineMs, isSystem ? [PROGRAM, 'test'] : target.activate),
    boot: isSystem ? inside(BOOT_MS, [PROGRAM, 'boot']) : [],
    reset,
  }
}

/** After how many tenths of a second the dead-man itself ends what `ordersFor` bounds. */
export function tenthsFor(target: DeadManTarget): { readonly activate: number; readonly boot: number } {
  const tenths = (ms: number) => Math.ceil((Math.ceil(ms / 1000) * 1000 + BACKSTOP_MS) / 100)
  return { activate: tenths(target.activationDeadlineMs), boot: tenths(BOOT_MS) }
}

/** The target's mark in lines of `tr '\000\n' '\n\001'`, as the dead-man reads the arguments of others. */
export function flatMark(path: string): string {
  return markOf(path).replaceAll('\n', '\x01')
}
