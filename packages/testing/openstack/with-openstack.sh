#!/bin/bash
# with-openstack.sh COMMAND...: runs COMMAND beside a real OpenStack (2022.2 "Zed": Keystone, Nova with its fake
# hypervisor, Neutron, Glance, Cinder, Placement from Debian's packages), and exits with its code. Needs root on
# Debian; installs the packages that are missing. Where that cannot be it says what it would need, ends with the
# line that counts as one skipped suite, and exits 0.
#
# All of it lives in namespaces of this one process, on a loopback of its own: nothing can be left behind however
# it ends, nothing else can see it, and two runs do not know of each other. Packages stay installed, and the state
# right after the set-up is kept in ~/.cache/multicloud (MULTICLOUD_OPENSTACK_FRESH=1 makes it anew).
#
# COMMAND finds in its environment: MULTICLOUD_OPENSTACK_CLOUDS (a clouds.yaml).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The libraries, not the services' own packages: those ask questions, make users and start daemons.
packages="python3-keystone python3-glance python3-placement python3-nova python3-neutron python3-cinder
  rabbitmq-server mariadb-server-core mariadb-client-core uwsgi-core uwsgi-plugin-python3 iproute2"

skip() {
  printf '\n*** SKIPPED: no real OpenStack: %s. ***\n\n0 passed, 0 failed, 1 skipped\n' "$1"
  exit 0
}

missing_packages() {
  local name
  for name in $packages; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s ' "$name"
  done
}

install_packages() {
  local log denies=
  log=$(mktemp)
  # No package may start a daemon by itself.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    denies=1
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
  local apt=(apt-get -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=2 -o Dpkg::Options::=--force-unsafe-io
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)
  local reason=
  export DEBIAN_FRONTEND=noninteractive
  # A run that was killed may have left packages half installed.
  dpkg --configure -a >"$log" 2>&1 </dev/null || true
  # Downloading apart from installing tells "no network", which is nobody's fault, from what is.
  # shellcheck disable=SC2086
  if ! { "${apt[@]}" update && "${apt[@]}" install --download-only --no-install-recommends $packages; } >"$log" 2>&1 </dev/null; then
    reason="its packages could not be downloaded"
  elif ! "${apt[@]}" install --no-install-recommends $packages >"$log" 2>&1 </dev/null; then
    reason=failed
  fi
  [ -z "$denies" ] || rm -f /usr/sbin/policy-rc.d
  [ -z "$reason" ] || tail -n 20 "$log" >&2
  rm -f "$log"
  [ "$reason" != failed ] || {
    printf '\n*** OpenStack could not be installed. ***\n\n0 passed, 1 failed\n'
    exit 1
  }
  [ -z "$reason" ] || skip "$reason"
}

need="it needs root on Debian 12, its packages ($(echo $packages)), and namespaces"
[ "$(uname -s)" = Linux ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null || skip "$need; this is no Debian"
[ "$(id -u)" = 0 ] || skip "$need; this is not root"
unshare --net --mount --uts --ipc --pid --fork --mount-proc true 2>/dev/null || skip "$need; this kernel makes none"

if [ -n "$(missing_packages)" ]; then
  echo "openstack: installing $(missing_packages)(once, about 4 minutes)" >&2
  SECONDS=0
  install_packages
  echo "openstack: packages installed: $SECONDS s" >&2
fi

# Services and settings differ from release to release.
nova=$(dpkg-query -W -f='${Version}' python3-nova)
[[ $nova == *:26.* ]] || skip "Debian 12 has Nova 26 (Zed), this system has $nova"

# Another recipe or another release is another state.
versions=$(dpkg-query -W -f='${Package}=${Version}\n' $packages)
recipe=$({ echo "$versions"; cat "$here"/*.py "$here"/plugins/*/*.py; } | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/multicloud
[ -z "${MULTICLOUD_OPENSTACK_FRESH:-}" ] || rm -f "$cache/openstack-$recipe.tar.gz"
[ ! -d "$cache" ] || find "$cache" -name "openstack-*.tar*" -mtime +30 -delete
exec unshare --net --mount --uts --ipc --pid --fork --kill-child=KILL --mount-proc \
  /usr/bin/python3 -B "$here/cloud.py" "$cache/openstack-$recipe.tar.gz" "$@"
