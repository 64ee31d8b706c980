#!/bin/bash
# with-servers.sh COMMAND...: runs COMMAND where BIND, Knot and dig are installed, on a loopback of its own, and exits
# with its code. Needs root on Debian and installs the packages that are missing; elsewhere it says so, ends with the
# line that counts as one skipped suite, and exits 0.
#
# COMMAND and the servers that it starts live in namespaces of this one process: they end with it, however it ends,
# and nothing outside can see them.
set -euo pipefail
packages="bind9 bind9-dnsutils knot iproute2"

skip() {
  printf '\n*** SKIPPED: no real name servers: %s. ***\n\n0 passed, 0 failed, 1 skipped\n' "$1"
  exit 0
}

missing_packages() {
  local name
  for name in $packages; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s ' "$name"
  done
}

[ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null || skip "it needs Debian's packages ($packages)"
[ "$(id -u)" = 0 ] || skip "it needs root to install packages and for a loopback of its own"
unshare --net --pid --fork --mount-proc true 2>/dev/null || skip "this kernel does not let root make namespaces"
if [ -n "$(missing_packages)" ]; then
  echo "name servers: installing $(missing_packages)" >&2
  log=$(mktemp)
  denies=
  # No package may start a daemon by itself.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    denies=1
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt=(apt-get -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=2)
  # shellcheck disable=SC2086
  if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends $packages; } >"$log" 2>&1 </dev/null; then
    tail -n 5 "$log" >&2
    failed=1
  fi
  rm -f "$log"
  [ -z "$denies" ] || rm -f /usr/sbin/policy-rc.d
  [ -z "${failed:-}" ] || skip "its packages could not be installed"
fi
# shellcheck disable=SC2016
exec unshare --net --mount --pid --fork --kill-child=KILL --mount-proc sh -c 'ip link set lo up && exec "$@"' sh "$@"
