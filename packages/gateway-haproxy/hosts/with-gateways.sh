#!/bin/bash
# with-gateways.sh COMMAND...: runs COMMAND beside real hosts that HAProxy can be installed on (see
# packages/testing/hosts/with-hosts.sh), with HAProxy here too, and exits with its code. Needs root on Debian and installs
# what is missing; elsewhere it says so, ends with the line that counts as one skipped suite, and exits 0.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages="haproxy mmdebstrap gpg openssh-client iproute2"

skip() {
  printf '\n*** SKIPPED: no real HAProxy: %s. ***\n\n0 passed, 0 failed, 1 skipped\n' "$1"
  exit 0
}

missing_packages() {
  local name
  for name in $packages; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s ' "$name"
  done
}

[ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null || skip "it needs Debian's packages ($packages)"
[ "$(id -u)" = 0 ] || skip "it needs root, for packages and for hosts in namespaces"
unshare --net --mount --pid --fork --mount-proc true 2>/dev/null || skip "this kernel does not let root make namespaces"
if [ -n "$(missing_packages)" ]; then
  echo "haproxy: installing $(missing_packages)" >&2
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
# The hosts' own script exits 0 without having run anything where it cannot: that is no pass.
ran=$(mktemp)
trap 'rm -f "$ran"' EXIT
code=0
# shellcheck disable=SC2016
MULTICLOUD_HOSTS_RECIPE=$here/make-rootfs.sh bash "$here/../../testing/hosts/with-hosts.sh" 10 \
  sh -c 'echo yes >"$1" && shift && exec "$@"' sh "$ran" "$@" || code=$?
[ -s "$ran" ] || [ "$code" -ne 0 ] || skip "the hosts could not be started"
exit "$code"
