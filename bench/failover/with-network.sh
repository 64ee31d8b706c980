#!/bin/bash
# with-network.sh COMMAND...: runs COMMAND as root of network, mount and process namespaces of its own, so that it can
# make bridges and node namespaces; nothing is left behind however it ends. Where the real kube-apiserver of
# tests/kubernetes was built before, it runs beside it (MULTICLOUD_KUBERNETES_KUBECONFIG tells);
# FAILOVER_API=emulated goes without.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

skip() {
  printf '\n*** SKIPPED: no failover benchmark: %s. ***\n\n' "$1" >&2
  exit 0
}

# run COMMAND...: ends with its code, ends it when this script is ended, and removes the control groups of its agents.
run() {
  local pid code=0
  "$@" &
  pid=$!
  trap 'kill "$pid" 2>/dev/null || true' TERM INT
  wait "$pid" || code=$?
  rmdir /sys/fs/cgroup/multicloud-failover-* /sys/fs/cgroup/memory/multicloud-failover-* 2>/dev/null || true
  exit "$code"
}

if [ "${1:-}" != --inside ]; then
  [ "$(uname -s)" = Linux ] || skip "it needs Linux namespaces"
  [ "$(id -u)" = 0 ] || skip "it needs root"
  command -v ip >/dev/null || skip "ip is missing (Debian: apt-get install iproute2)"
  unshare --net --mount --pid --fork --mount-proc true 2>/dev/null || skip "this kernel does not let root make namespaces"
  programs=$(ls -d "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}"/multicloud/kubernetes-v*/kube-apiserver 2>/dev/null | head -n 1)
  with="$here/../../tests/kubernetes/with-kubernetes.sh"
  if [ "${FAILOVER_API:-}" != emulated ] && [ -n "$programs" ] && [ -x /usr/bin/etcd ]; then
    run bash "$with" bash "$here/with-network.sh" --inside "$@"
  fi
  run unshare --net --mount --pid --fork --kill-child=KILL --mount-proc bash "$here/with-network.sh" --inside "$@"
fi

shift
# `ip netns` keeps its names there; in a mount of our own they are nobody else's.
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
# The Service address of the API server, as in a cluster: in its certificate, and local to whoever listens here.
ip route replace local 10.43.0.0/16 dev lo
"$@"
