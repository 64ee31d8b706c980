import { applyLock } from "./apply-lock.js";

/**
 * The functions of the apply script: POSIX shell, run by dash, bash and the sandbox's shell. Globals and
 * functions start with `mc_`, because a node's own commands run in subshells that see them.
 *
 * - Standard output carries the line protocol only; what programs print goes to standard error.
 * - New content is written beside its target with mode 0600, gets owner and mode, then is renamed: nobody
 *   ever sees half a file or a secret with a wrong mode. A left-over of a killed run is overwritten.
 * - A service that has to be restarted is noted under /run before the file is put in place.
 * - Only one script runs on a node at a time; a kernel lock ends with its holder.
 */
export const applyLibrary = String.raw`LC_ALL=C DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND
umask 022
mc_nl='
' mc_tab='	' mc_checked=0 mc_changed=0 mc_state= mc_pending=
mc_run=/run/multicloud
mc_say() { printf '@mc\t%s\n' "$1"; }
mc_did() { mc_changed=$((mc_changed + 1)); mc_say "changed$mc_tab$1"; }
mc_count() { mc_checked=$((mc_checked + 1)); }
mc_fail() { mc_say "fail$mc_tab$1$mc_tab$2"; exit 1; }
if command -v flock >/dev/null; then
  exec 9>${applyLock.file} || mc_fail lock 1
  flock -n 9 || { mc_say "start${"$"}{mc_tab}waiting for another run on this node"; flock -w ${applyLock.waitSeconds} 9 || mc_fail "waiting for another run" $?; }
fi
mc_facts() {
  mc_id= mc_version= mc_kernel= mc_memory=
  while IFS='=' read -r mc_k mc_v; do
    case $mc_v in \"*\" | \'*\') mc_v=${"$"}{mc_v#?} mc_v=${"$"}{mc_v%?} ;; esac
    case $mc_k in ID) mc_id=$mc_v ;; VERSION_ID) mc_version=$mc_v ;; esac
  done </etc/os-release
  [ ! -r /proc/sys/kernel/osrelease ] || read -r mc_kernel </proc/sys/kernel/osrelease
  [ ! -r /proc/meminfo ] || read -r mc_k mc_memory mc_v </proc/meminfo
  mc_v=$({ uname -m || echo; nproc; } 2>/dev/null)
  mc_say "facts$mc_tab$mc_id$mc_tab$mc_version$mc_tab${"$"}{mc_v%%"$mc_nl"*}$mc_tab$mc_kernel$mc_tab$mc_memory$mc_tab${"$"}{mc_v#*"$mc_nl"}"
} 2>/dev/null
mc_directories() {
  mc_mode=$1 mc_owner=$2
  shift 2
  for mc_path in "$@"; do
    shift
    mc_count
    case $mc_state in
      *"$mc_nl$mc_mode $mc_owner $mc_path$mc_nl"*) [ -d "$mc_path" ] || set -- "$@" "$mc_path" ;;
      *) set -- "$@" "$mc_path" ;;
    esac
  done
  [ $# -gt 0 ] || return 0
  mkdir -p -- "$@" || mc_fail "directory $*" $?
  chown -- "$mc_owner" "$@" || mc_fail "directory $*" $?
  chmod -- "$mc_mode" "$@" || mc_fail "directory $*" $?
  for mc_path in "$@"; do mc_did "directory $mc_path"; done
}
mc_group() { mc_mode=$1 mc_owner=$2 mc_pending=; }
mc_differs() {
  mc_count
  mc_path=$2 mc_new=$2.mc-new
  case $mc_state in *"$mc_nl$1  $2$mc_nl"*)
    case $mc_state in *"$mc_nl$mc_mode $mc_owner $2$mc_nl"*) return 1 ;; esac ;;
  esac
  [ ! -d "$2" ] || mc_fail "file $2: a directory is there" 21
  mc_k=${"$"}{2%/*}
  [ -z "$mc_k" ] || [ -d "$mc_k" ] || { umask 022 && mkdir -p -- "$mc_k"; } || mc_fail "file $2" $?
  if [ -e "$mc_new" ] || [ -L "$mc_new" ]; then rm -f -- "$mc_new" || mc_fail "file $2" $?; fi
  mc_pending=$mc_pending$2$mc_nl
  umask 077
  return 0
}
mc_place() {
  umask 022
  [ -n "$mc_pending" ] || return 0
  IFS=$mc_nl
  set -f
  set --
  for mc_path in $mc_pending; do set -- "$@" "$mc_path.mc-new"; done
  unset IFS
  set +f
  chown -- "$mc_owner" "$@" || mc_fail "file $*" $?
  chmod -- "$mc_mode" "$@" || mc_fail "file $*" $?
  for mc_new in "$@"; do
    mc_path=${"$"}{mc_new%.mc-new}
    case $mc_path in
      /etc/sudoers | /etc/sudoers.d/*) visudo -cf "$mc_new" >/dev/null || { mc_v=$?; rm -f -- "$mc_new"; mc_fail "file $mc_path" $mc_v; } ;;
      /etc/systemd/system/* | /usr/lib/systemd/system/* | /lib/systemd/system/*) mc_pend .reload ;;
    esac
    mc_touched "$mc_path"
    mv -f -- "$mc_new" "$mc_path" || mc_fail "file $mc_path" $?
    mc_did "file $mc_path"
  done
}
mc_pend() {
  [ -d $mc_run ] || mkdir -p $mc_run || mc_fail "noting a restart" $?
  for mc_k in "$@"; do : >"$mc_run/$mc_k" || mc_fail "noting a restart" $?; done
}
mc_missing() {
  mc_v="$mc_nl$(dpkg-query -W -f '${"$"}{db:Status-Status} ${"$"}{Package}\n' -- "$@" 2>/dev/null)$mc_nl"
  mc_lacks=
  for mc_k in "$@"; do case $mc_v in *"${"$"}{mc_nl}installed $mc_k$mc_nl"*) ;; *) mc_lacks="$mc_lacks $mc_k" ;; esac; done
}
mc_apt() { apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" 9>&- >&2; }
mc_packages() {
  mc_checked=$((mc_checked + $#))
  mc_missing "$@"
  [ -n "$mc_lacks" ] || return 0
  mc_wanted=$mc_lacks
  mc_say "start${"$"}{mc_tab}packages$mc_lacks"
  mc_k=1
  until mc_apt update; do
    mc_v=$? mc_k=$((mc_k + 1))
    [ $mc_k -le 5 ] || mc_fail "apt-get update" $mc_v
    sleep $mc_k
  done
  mc_apt install $mc_wanted || {
    dpkg --force-confdef --force-confold --configure -a 9>&- >&2
    mc_apt -f install $mc_wanted || mc_fail "packages$mc_wanted" $?
  }
  mc_missing "$@"
  [ -z "$mc_lacks" ] || mc_fail "packages$mc_lacks: not installed afterwards" 1
  for mc_k in $mc_wanted; do mc_did "package $mc_k"; done
  [ -z "$mc_state" ] || mc_probe
}
mc_accounts() {
  mc_passwd=$mc_nl mc_groups=$mc_nl
  while IFS= read -r mc_k; do mc_passwd=$mc_passwd$mc_k$mc_nl; done </etc/passwd
  while IFS= read -r mc_k; do mc_groups=$mc_groups$mc_k$mc_nl; done </etc/group
}
mc_entry() {
  case $1 in *"$mc_nl$2:"*) ;; *) return 1 ;; esac
  mc_v=${"$"}{1#*"$mc_nl$2:"} mc_v=${"$"}{mc_v%%"$mc_nl"*}
}
mc_user() {
  mc_name=$1 mc_add=
  shift
  mc_count
  mc_gid=
  if mc_entry "$mc_passwd" "$mc_name"; then mc_gid=${"$"}{mc_v#*:*:} mc_gid=${"$"}{mc_gid%%:*}; fi
  for mc_k in "$@"; do
    mc_count
    if mc_entry "$mc_groups" "$mc_k"; then
      case ",${"$"}{mc_v##*:}," in *",$mc_name,"*) continue ;; esac
      mc_v=${"$"}{mc_v#*:}
      [ "${"$"}{mc_v%%:*}" != "$mc_gid" ] || continue
    else
      groupadd --system "$mc_k" >&2 || mc_fail "group $mc_k" $?
      mc_did "group $mc_k"
    fi
    mc_add=$mc_add,$mc_k
  done
  if [ -z "$mc_gid" ]; then
    set -- -m -s /bin/bash -p '*'
    if mc_entry "$mc_groups" "$mc_name"; then set -- "$@" -g "$mc_name"; else set -- "$@" -U; fi
    [ -z "$mc_add" ] || set -- "$@" -G "${"$"}{mc_add#,}"
    useradd "$@" "$mc_name" >&2 || mc_fail "user $mc_name" $?
    mc_did "user $mc_name"
    mc_accounts
  elif [ -n "$mc_add" ]; then
    usermod -a -G "${"$"}{mc_add#,}" "$mc_name" >&2 || mc_fail "user $mc_name" $?
    mc_did "user $mc_name"
  fi
}
mc_keys() {
  mc_entry "$mc_passwd" "$1" || mc_fail "user $1" 1
  mc_name=$1
  shift
  mc_gid=${"$"}{mc_v#*:*:} mc_gid=${"$"}{mc_gid%%:*} mc_home=${"$"}{mc_v#*:*:*:*:} mc_home=${"$"}{mc_home%%:*}
  mc_have=$mc_nl mc_add= mc_path=$mc_home/.ssh/authorized_keys
  if [ -r "$mc_path" ]; then
    while IFS= read -r mc_k || [ -n "$mc_k" ]; do mc_have=$mc_have$mc_k$mc_nl; done <"$mc_path"
  fi
  for mc_k in "$@"; do
    mc_count
    case $mc_have in *"$mc_nl$mc_k$mc_nl"*) ;; *) mc_add=$mc_add$mc_k$mc_nl ;; esac
  done
  [ -n "$mc_add" ] || return 0
  { [ ! -L "$mc_home/.ssh" ] && [ ! -L "$mc_path" ]; } || mc_fail "user $mc_name: $mc_path is a symbolic link" 1
  if [ ! -d "$mc_home" ]; then
    mkdir -p -- "$mc_home" && chown "$mc_name:$mc_gid" "$mc_home" || mc_fail "user $mc_name" $?
  fi
  [ -d "$mc_home/.ssh" ] || mkdir -- "$mc_home/.ssh" || mc_fail "user $mc_name" $?
  rm -f -- "$mc_path.mc-new"
  umask 077
  printf %s "${"$"}{mc_have#"$mc_nl"}$mc_add" >"$mc_path.mc-new" || mc_fail "user $mc_name" $?
  umask 022
  chown "$mc_name:$mc_gid" "$mc_home/.ssh" "$mc_path.mc-new" && chmod 700 "$mc_home/.ssh" || mc_fail "user $mc_name" $?
  mv -f -- "$mc_path.mc-new" "$mc_path" || mc_fail "user $mc_name" $?
  mc_did "authorized keys of $mc_name"
}
mc_setting() {
  mc_count
  mc_k="$mc_nl$mc_settings$mc_nl" mc_v=${"$"}{mc_k#*"$mc_nl$1 = "}
  if [ "$mc_v" != "$mc_k" ]; then
    mc_want=$2 mc_name=$1
    set -f
    set -- ${"$"}{mc_v%%"$mc_nl"*}
    set +f
    [ "$*" != "$mc_want" ] || return 0
    if sysctl -q -w "$mc_name=$mc_want" >&2; then mc_did "sysctl $mc_name"; return 0; fi
    set -- "$mc_name" "$mc_want"
  fi
  mc_say "warn${"$"}{mc_tab}the kernel setting $1 could not be made $2 now; it is kept for the next boot"
}
mc_reload() {
  [ ! -e $mc_run/.reload ] || { systemctl daemon-reload 9>&- >&2 && rm -f $mc_run/.reload; } || mc_fail "systemctl daemon-reload" $?
}
mc_services() {
  mc_checked=$((mc_checked + $#))
  mc_lines is-enabled "$@"
  mc_enabled=$mc_v
  mc_lines is-active "$@"
  mc_enable= mc_start= mc_restart= mc_any=
  for mc_k in "$@"; do
    case ${"$"}{mc_enabled%%"$mc_nl"*} in enabled | static | alias | indirect | generated) ;; *) mc_enable="$mc_enable $mc_k" ;; esac
    if [ -e "$mc_run/$mc_k" ]; then mc_restart="$mc_restart $mc_k"
    else case ${"$"}{mc_v%%"$mc_nl"*} in active | activating | reloading) ;; *) mc_start="$mc_start $mc_k" ;; esac; fi
    mc_enabled=${"$"}{mc_enabled#*"$mc_nl"} mc_v=${"$"}{mc_v#*"$mc_nl"}
    case "$mc_enable$mc_start$mc_restart " in *" $mc_k "*) mc_any="$mc_any $mc_k" ;; esac
  done
  [ -n "$mc_any" ] || return 0
  mc_say "start${"$"}{mc_tab}services$mc_any"
  [ -z "$mc_enable" ] || systemctl enable $mc_enable 9>&- >&2 || mc_fail "enabling$mc_enable" $?
  [ -z "$mc_start" ] || systemctl start $mc_start 9>&- >&2 || mc_fail "starting$mc_start" $?
  if [ -n "$mc_restart" ]; then
    systemctl restart $mc_restart 9>&- >&2 || mc_fail "restarting$mc_restart" $?
    for mc_k in $mc_restart; do rm -f "$mc_run/$mc_k"; done
  fi
  for mc_k in $mc_any; do mc_did "service $mc_k"; done
}
mc_lines() {
  mc_v=$(systemctl "$@" 2>/dev/null)
  mc_verb=$1
  shift
  mc_n=0
  for mc_k in $mc_v; do mc_n=$((mc_n + 1)); done
  [ $mc_n -ne $# ] || return 0
  mc_v=
  for mc_k in "$@"; do mc_v="$mc_v$(systemctl "$mc_verb" "$mc_k" 2>/dev/null || :)$mc_nl"; done
}
mc_command() {
  mc_count
  if [ -n "$3" ] && (eval "$3") >/dev/null 2>&1 9>&-; then return 0; fi
  mc_say "start${"$"}{mc_tab}command $1"
  (eval "$2") 9>&- >&2 || mc_fail "command $1" $?
  mc_did "command $1"
}
mc_read() {
  mc_v=$(base64 -w 0 -- "$1") || mc_fail "reading $1" $?
  mc_say "file$mc_tab$1$mc_tab$mc_v"
}`;
