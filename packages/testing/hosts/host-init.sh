#!/bin/sh
# host-init.sh I: becomes host I. Runs as process 1 of its own mount, network, uts, ipc and pid namespaces inside
# those of with-hosts.sh, joins that one's bridge, enters its own root file system and ends up as its sshd.
set -eu
i=$1
host=$LAB/host-$i
root=$host/root
lab=/proc/1/ns/net # /proc is still the lab's

ip link add eth0 type veth peer name "v$i" netns "$lab"
nsenter --net="$lab" ip link set "v$i" master br0 up
ip link set lo up
ip addr add "10.77.1.$i/16" dev eth0
ip link set eth0 up

mkdir -p "$host/up" "$host/work" "$root"
mount -t overlay overlay -o "lowerdir=$LAB/common:$ROOTFS,upperdir=$host/up,workdir=$host/work" "$root"
mount -t proc proc "$root/proc"
# Only net.* belongs to a network namespace; any other kernel setting would be the whole machine's.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,rw "$root/proc/sys/net"
mount -t tmpfs -o mode=755,size=64k tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
mount -t tmpfs -o mode=755,size=16m tmpfs "$root/run"
mkdir "$root/run/sshd"
hostname "host-$i"
printf '127.0.0.1 localhost\n127.0.1.1 host-%s\n' "$i" >"$root/etc/hosts"

cd "$root"
pivot_root . mnt
cd /
umount -l /mnt
exec /usr/sbin/sshd -D -E /var/log/sshd.log </dev/null >/dev/null 2>&1
