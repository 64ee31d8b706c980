#!/bin/bash
# with-hosts.sh N COMMAND...: runs COMMAND where N real hosts (10.77.1.1 to 10.77.1.N, sshd on port 22) can be
# reached, and exits with its code. Needs root on Linux; elsewhere it says so and exits 0.
#
# All of it lives in namespaces of this one process: the bridge, the hosts, their file systems in memory. They
# end with the process, however it ends: nothing can be left behind, and two runs do not know of each other.
#
# COMMAND finds in its environment: MULTICLOUD_HOSTS (addresses, separated by spaces), MULTICLOUD_HOSTS_USER,
# MULTICLOUD_HOSTS_KEY (private key file), MULTICLOUD_HOSTS_HOST_KEY (the hosts' public host key).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

skip() {
  printf '\n*** SKIPPED: no real hosts: %s. ***\n\n0 passed, 0 failed, 1 skipped\n' "$1"
  exit 0
}

if [ "${1:-}" != --inside ]; then
  [ "$(uname -s)" = Linux ] || skip "they need Linux namespaces"
  [ "$(id -u)" = 0 ] || skip "they need root"
  unshare --net --mount --pid --fork --mount-proc true 2>/dev/null || skip "this kernel does not let root make namespaces"
  packages="mmdebstrap gpg openssh-client iproute2 util-linux"
  missing() {
    for tool in mmdebstrap gpg ssh-keygen ip nsenter pivot_root; do
      command -v "$tool" >/dev/null || printf '%s ' "$tool"
    done
  }
  if [ -n "$(missing)" ] && command -v apt-get >/dev/null; then
    echo "hosts: installing $packages" >&2
    apt=(apt-get -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=2)
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends $packages; } >/dev/null 2>&1 </dev/null || true
  fi
  [ -z "$(missing)" ] || skip "$(missing)is missing (Debian: apt-get install $packages)"
  # A suite that needs more on its hosts brings a recipe of its own. A changed recipe is another root file system.
  make=${MULTICLOUD_HOSTS_RECIPE:-$here/make-rootfs.sh}
  recipe=$(sha256sum "$make" | cut -c1-12)
  ROOTFS=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/multicloud/hosts-$recipe
  if [ ! -d "$ROOTFS" ]; then
    echo "making the hosts' root file system in $ROOTFS (once, about a minute)" >&2
    sh "$make" "$ROOTFS" || skip "their root file system could not be made"
  fi
  export ROOTFS
  exec unshare --net --mount --pid --fork --kill-child=KILL --mount-proc bash "$here/with-hosts.sh" --inside "$@"
fi

shift
count=$1
shift
# Any folder will do as a mount point: nobody else sees what is mounted here.
LAB=/media
export LAB
mount -t tmpfs -o mode=700 tmpfs "$LAB"
common=$LAB/common
ssh-keygen -q -t ed25519 -N '' -C operator -f "$LAB/id_ed25519"
mkdir -p "$common/etc/ssh" "$common/home/debian/.ssh"
# One host key for all: quick to make, and every connection still has to prove it.
ssh-keygen -q -t ed25519 -N '' -C '' -f "$common/etc/ssh/ssh_host_ed25519_key"
cp "$LAB/id_ed25519.pub" "$common/home/debian/.ssh/authorized_keys"
owner=$(stat -c %u:%g "$ROOTFS/home/debian")
chown -R "$owner" "$common/home/debian"
chmod 755 "$LAB" "$common" "$common/etc" "$common/etc/ssh" "$common/home"
chmod 700 "$common/home/debian" "$common/home/debian/.ssh"

ip link set lo up
ip link add br0 type bridge forward_delay 0
ip addr add 10.77.0.1/16 dev br0
ip link set br0 up
MULTICLOUD_HOSTS=
SECONDS=0
for i in $(seq 1 "$count"); do
  unshare --net --mount --uts --ipc --pid --fork --kill-child=KILL sh "$here/host-init.sh" "$i" </dev/null 2>"$LAB/host-$i.log" &
  MULTICLOUD_HOSTS="$MULTICLOUD_HOSTS${MULTICLOUD_HOSTS:+ }10.77.1.$i"
done
for i in $(seq 1 "$count"); do
  # bash opens /dev/tcp itself: the greeting of sshd, without a program per attempt.
  while [ "$SECONDS" -lt 300 ]; do
    if { read -r greeting <"/dev/tcp/10.77.1.$i/22"; } 2>/dev/null && [[ $greeting == SSH-2.0* ]]; then continue 2; fi
    sleep 0.05
  done
  echo "host $i did not come up:" >&2
  cat "$LAB/host-$i.log" >&2
  printf '\n*** host %s did not come up. ***\n\n0 passed, 1 failed\n' "$i"
  exit 1
done

MULTICLOUD_HOSTS_USER=debian
MULTICLOUD_HOSTS_KEY=$LAB/id_ed25519
MULTICLOUD_HOSTS_HOST_KEY=$(cut -d' ' -f1,2 "$common/etc/ssh/ssh_host_ed25519_key.pub")
export MULTICLOUD_HOSTS MULTICLOUD_HOSTS_USER MULTICLOUD_HOSTS_KEY MULTICLOUD_HOSTS_HOST_KEY
code=0
"$@" || code=$?
exit $code
