import { DEAD_MAN_NAME } from './activation-end.ts'
import { OF_UNITS } from './dead-man-units.ts'

/**
 * Life of a dead-man
 *
 * 1. A shell in a session of its own says that it stands, and lets go of where it said so: heald may be gone from then on.
 *    It counts seconds by sleeping: the wall clock may jump, and a machine that slept has not had its time yet. It ends
 *    without a word when the state file no longer names it.
 * 2. Its time is up. It takes the lock; from whoever holds it too long it is freed by killing the heald that is written
 *    in it. Under the lock nobody arms or disarms, so if the state file still names it, it may act.
 * 3. It ends what an activation of ours still does, moves the pointers and runs the generation's own activation, as
 *    `dead-man-orders.ts` says; once more if that failed.
 * 4. It leaves the result, then removes the state file. A kill before the last step leaves a state file that names a
 *    process that is gone: nobody stands.
 *
 * It is given to a shell as one argument: nothing is read from a disk that may be broken by then. Names and paths come as
 * further arguments, and stay out of its text. It must do with what any POSIX shell has, and needs no room on the disk
 * to move a pointer. Its errors go nowhere; what matters is in exit codes.
 */
export const DEAD_MAN = `
code=0 why= note= failed= try=1 reason='nobody disarmed it in time'

# Sets state, session and start of a process; false when there is none. Its name may hold spaces, parentheses and lines.
stat_of() {
  stat=
  while IFS= read -r part || [ -n "$part" ]; do stat="$stat$part "; done < "/proc/$1/stat" || return 1
  set -- \${stat##*) }
  state=$1 session=$4 start=\${20}
  [ -n "$start" ]
}

alive() {
  stat_of "$1" && [ "$state" != Z ] && [ "$state" != X ]
}

# Whether the state file names us.
mine() {
  line=
  IFS= read -r line < "$dir/deadman"
  [ "$line" = "$id" ]
}

# pick FROM COUNT WORD...: becomes the command of COUNT words after the first FROM. For a subshell.
pick() {
  from=$1 count=$2
  shift 2
  shift "$from"
  rest=$(($# - count))
  while [ "$count" -gt 0 ]; do set -- "$@" "$1"; shift; count=$((count - 1)); done
  shift "$rest"
  exec "$@"
}

# Kills all of a session; goes on after 5 s, since what has been killed and still waits for a disk does nothing more.
end_session() {
  [ "$1" -gt 1 ] || return 0
  round=0 left=1
  while [ "$left" = 1 ] && [ "$round" -lt 50 ]; do
    [ "$round" = 0 ] || sleep 0.1
    round=$((round + 1)) left=0
    for entry in /proc/[0-9]*; do
      alive "\${entry#/proc/}" && [ "$session" = "$1" ] || continue
      kill -s KILL "\${entry#/proc/}" && left=1
    done
  done
}

# Whether it is the "timeout" of a run, or will be: until then the command stands further back, or in a unit's file. A
# dead-man is given it as well. Arguments with their ends as line ends; a line end in one becomes a byte that the mark has
# there as well.
is_activation() {
  tr '\\000\\n' '\\n\\001' < "/proc/$1/cmdline" | (
    one= two= three= four= five=
    while IFS= read -r word; do
      [ "$word" != ${DEAD_MAN_NAME} ] || exit 1
      case $word in $runs/command) [ "$one" = /bin/sh ] && exit 0 ;; esac
      [ "$word" = "$mark" ] && [ "$one" = env ] && [ "$five" = timeout ] && exit 0
      five=$four four=$three three=$two two=$one one=$word
    done
    exit 1
  )
}

belongs_to() {
  while read -r key _ uid _; do
    [ "$key" = Uid: ] || continue
    [ "$uid" = "$2" ]
    return
  done < "/proc/$1/status"
  return 1
}

# The group of a run, if it is one of this target's, or of a unit that was made for it.
end_group() {
  name= group=
  while IFS= read -r line; do case $line in 0::*) name=\${line##*/} group=$mounted\${line#0::} ;; esac; done < "/proc/$1/cgroup"
  case $name in
    heald-switch-*.service) ;;
    *)
      [ -n "$groups" ] && [ -n "$name" ] || return 0
      group=$groups/$name
      ;;
  esac
  [ -e "$group/cgroup.kill" ] || return 0
  while read -r member; do
    [ "$member" = "$1" ] || continue
    echo 1 > "$group/cgroup.kill"
    round=0
    while [ "$round" -lt 50 ] && read -r member < "$group/cgroup.procs"; do
      sleep 0.1
      round=$((round + 1))
    done
    return
  done < "$group/cgroup.procs"
}

# Two activations at once would undo each other's work. A unit that was only ordered begins no more without its folder.
end_activation() {
  for folder in $runs; do rm -rf -- "$folder"; done
  for leader in /proc/[0-9]*; do
    leader=\${leader#/proc/} first=
    IFS= read -r first < "/proc/$leader/cmdline"
    case $first in timeout* | *setpriv* | *sh*) ;; *) continue ;; esac
    alive "$leader" && [ "$session" = "$leader" ] && is_activation "$leader" || continue
    # Until it has become the target's user it is our own.
    belongs_to "$leader" "$owner" || [ -O "/proc/$leader" ] || continue
    end_group "$leader"
    end_session "$leader"
  done
}

# run TENTHS FROM COUNT WORD...: a session of its own, of which nothing is left when its time is up. Sets code.
run() {
  tenths=$1 turn=0
  shift
  pick "$@" 9>&- &
  child=$!
  while alive "$child" && [ "$turn" -lt "$tenths" ]; do
    sleep 0.1
    turn=$((turn + 1))
  done
  if alive "$child"; then end_session "$child"; fi
  code=137
  alive "$child" || { wait "$child"; code=$?; }
  case $code in 124 | 137) end_session "$child" ;; esac
}

ended() {
  case $code in
    0) why= ;;
    124 | 137) why="$1 did not end in time, or was killed" ;;
    *) why="$1 ended with exit code $code" ;;
  esac
  [ -z "$why" ]
}

# The pointer that a reboot reads. What is not ours to move is moved by the user it belongs to.
move() {
  (HEALD_TRY=$try; export HEALD_TRY; pick 0 "$n_move" "$@") 9>&-
  code=$?
  if [ "$code" != 0 ] && [ "$n_owner" -gt 0 ]; then
    (pick "$n_move" "$n_owner" "$@") 9>&-
    code=$?
  fi
  case $code in
    0) return 0 ;;
    3) why='the generation is not there any more' ;;
    4) why="the pointer's folder belongs to somebody else, or its path leads through a link" ;;
    5) why="another Nix command holds the profile's lock" ;;
    6) why='the pointer could not be moved' ;;
    *) ended 'moving the pointer' ;;
  esac
  return 1
}

# switch TENTHS FROM COUNT WORD...: while another switch holds the system's own lock nothing is done yet.
switch() {
  tries=0
  while run "$@"; [ "$code" = 11 ] && [ "$tries" -lt 10 ]; do
    tries=$((tries + 1))
    sleep 1
  done
}

# What a reboot leads to is put right also when what runs could not be.
lead_system() {
  switch "$tenths_activate" "$((n_move + n_owner))" "$n_activate" "$@"
  case $code in
    0 | 2 | 4)
      [ "$code" = 0 ] || note="$note; exit code $code of its activation"
      why=
      [ "$running" -ef "$path" ] || why='it was activated, but something else runs'
      ;;
    *) ended 'switch-to-configuration test' ;;
  esac
  running_why=$why why=
  [ "$profile" -ef "$path" ] || boots=1
  if [ "$boots" = 1 ] && move "$@"; then
    switch "$tenths_boot" "$((n_move + n_owner + n_activate))" "$n_boot" "$@"
    ended 'switch-to-configuration boot'
  fi
  [ -z "$running_why" ] || why="$running_why\${why:+; $why}"
  [ -z "$why" ]
}

${OF_UNITS}
lead_back() {
  end_activation
  reset_units "$@"
  if [ "$kind" = nixos ]; then
    lead_system "$@"
    return
  fi
  move "$@" || return
  [ "$n_activate" = 0 ] && return
  run "$tenths_activate" "$((n_move + n_owner))" "$n_activate" "$@"
  ended 'its activation'
}

# Who it is says the lock itself; when that says nothing, it is the heald that armed us.
end_holder() {
  pid= since= booted=
  read -r pid since booted < "$dir/lock"
  [ "$booted" = "$boot" ] || pid=$holder since=$holder_start
  alive "$pid" && [ "$start" = "$since" ] && [ "$pid" != $$ ] || return 0
  kill -s KILL "$pid" && note="; process $pid, which held the lock, was killed"
}

take_lock() {
  command exec 9>> "$dir/lock" || return 1
  round=0
  while [ "$round" -lt 6 ]; do
    flock -w "$patience" 9
    # Only "still held" is a reason to kill anybody.
    case $? in 0) return 0 ;; 1) ;; *) return 1 ;; esac
    if mine; then
      end_holder
      round=$((round + 1)) unnamed=0
    else
      # Disarmed; or still being armed, by somebody who is slow.
      unnamed=$((unnamed - 1))
      [ "$unnamed" -gt 0 ] || exit 0
    fi
  done
  return 1
}

finish() {
  { IFS= read -r _ && IFS= read -r record; } < "$dir/deadman"
  printf '%s\\n' "$id" "$1" "$2" "$record" > "$dir/deadman.result.new" &&
    timeout -s KILL 30 sync "$dir/deadman.result.new" &&
    mv -fT -- "$dir/deadman.result.new" "$dir/deadman.result" &&
    timeout -s KILL 30 sync "$dir" &&
    rm -f -- "$dir/deadman" &&
    timeout -s KILL 30 sync "$dir"
}

stat_of $$ || exit 1

# As dead-man-boot.ts has it: nobody waits any more, and only a boot that is not the one it was armed in is a reason to act.
if [ "$booting" = 1 ]; then
  IFS= read -r now < /proc/sys/kernel/random/boot_id && [ "$now" != "$boot" ] || exit 0
  boot=$now reason='the machine was booted in the middle of a switch'
fi
[ -z "$ready" ] || exec > "$ready" || exit 1
printf '%s %s\\n' $$ "$start" || exit 1
exec > /dev/null

# For 30 s it need not be named yet: it is being armed.
grace=30
while [ "$seconds" -gt 0 ]; do
  sleep 1
  # Without the program no time would pass, and it would act at once.
  case $? in 126 | 127) exit 1 ;; esac
  seconds=$((seconds - 1))
  if mine; then grace=0 unnamed=0; else grace=$((grace - 1)); fi
  [ "$grace" -ge 0 ] || exit 0
done
[ "$rest" = 0 ] || sleep "$rest"

if ! take_lock; then
  mine && finish failed "the lock was not to be had$note"
  exit
fi
mine || exit 0
if ! lead_back "$@"; then
  sleep "$again"
  try=2
  mine || exit 0
  if ! lead_back "$@"; then
    finish failed "$why$note"
    exit
  fi
fi
start_failed
finish done "$reason$note"
`
