#!/bin/sh
# make-rootfs.sh FOLDER: the test hosts' root file system with HAProxy's packages in a local archive, not installed,
# and a systemctl that runs the unit haproxy as Debian's unit file does.
set -eu
root=$1
[ ! -e "$root" ] || exit 0
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "$root.XXXXXX")
trap 'rm -rf "$work"' EXIT
umask 022
sh "$here/../../testing/hosts/make-rootfs.sh" "$work/root"
cd "$work/root"

# The packages that this file system lacks for HAProxy, loaded with its own keys into its own archive.
mkdir -p srv/haproxy srv/haproxy/partial
mirror=${MULTICLOUD_DEBIAN_MIRROR:-http://deb.debian.org/debian}
echo "deb $mirror bookworm main" >etc/apt/sources.list
# Absolute paths below the root, whatever the outer system's own settings are.
apt="apt-get -q -y -o Dir=$work/root -o Dir::State=$work/root/var/lib/apt -o Dir::State::status=$work/root/var/lib/dpkg/status
  -o Dir::Cache=$work/root/var/cache/apt -o Dir::Cache::archives=$work/root/srv/haproxy -o Dir::Etc=$work/root/etc/apt
  -o Dir::Etc::trustedparts=$work/root/etc/apt/trusted.gpg.d -o Dir::Etc::trusted=$work/root/etc/apt/trusted.gpg -o APT::Sandbox::User=root"
$apt update >/dev/null
$apt install --download-only --no-install-recommends haproxy >/dev/null
rm -rf srv/haproxy/partial srv/haproxy/lock var/lib/apt/lists/* var/cache/apt/*.bin etc/apt/sources.list
cd srv/haproxy
for package in *.deb; do
  dpkg-deb --field "$package"
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$package" "$(stat -c %s "$package")" "$(sha256sum "$package" | cut -d' ' -f1)"
done >Packages
cd "$work/root"
echo 'deb [trusted=yes] file:/srv/haproxy ./' >etc/apt/sources.list.d/haproxy.list
# Nothing here is process 1's to start: the package's own script must not try.
printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d

# Debian's haproxy.service in a few lines; is-enabled is remembered in a file, is-active is the process itself.
cat >usr/local/bin/systemctl <<'SHIM'
#!/bin/sh
state=/var/lib/fake-systemd
pidfile=/run/haproxy.pid
config=/etc/haproxy/haproxy.cfg
mkdir -p $state
verb=$1
unit=$2
case $verb in is-*) ;; *) echo "$*" >>/var/log/systemctl.log ;; esac
[ "$unit" = haproxy ] || { echo "Unit $unit.service not found." >&2; exit 5; }
active() { [ -s $pidfile ] && kill -0 "$(cat $pidfile)" 2>/dev/null; }
exists() { [ -x /usr/sbin/haproxy ] || { echo "Unit haproxy.service not found." >&2; exit 5; }; }
start() {
  ! active || return 0
  mkdir -p /run/haproxy
  haproxy -c -q -f $config || return 1
  setsid haproxy -W -f $config -p $pidfile </dev/null >>/var/log/haproxy.log 2>&1 &
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.1
    ! active || break
  done
  sleep 0.3
  active
}
stop() {
  ! active || kill -TERM "$(cat $pidfile)"
  while active; do sleep 0.05; done
}
case $verb in
  is-enabled) if [ -e $state/enabled ]; then echo enabled; else echo disabled; exit 1; fi ;;
  is-active) if active; then echo active; else echo inactive; exit 3; fi ;;
  enable) exists && : >$state/enabled ;;
  disable) rm -f $state/enabled ;;
  start) exists && start ;;
  stop) stop ;;
  restart) exists && stop && start ;;
  reload | reload-or-restart)
    exists
    if active; then haproxy -c -q -f $config && kill -USR2 "$(cat $pidfile)"; else start; fi
    ;;
  *) echo "Unknown command verb $verb." >&2; exit 1 ;;
esac
SHIM
chmod 755 usr/local/bin/systemctl
mv "$work/root" "$root" 2>/dev/null || [ -d "$root" ]
