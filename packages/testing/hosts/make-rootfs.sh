#!/bin/sh
# make-rootfs.sh FOLDER: one Debian 12 root file system for all hosts, with sshd, sudo, a systemctl that keeps
# its state in files, and a signed package archive of its own, so that a host needs no network. About a minute.
set -eu
root=$1
[ ! -e "$root" ] || exit 0
mkdir -p "$(dirname "$root")"
work=$(mktemp -d "$root.XXXXXX")
trap 'rm -rf "$work"' EXIT
umask 022
mmdebstrap --quiet --mode=root --variant=minbase --skip=output/dev \
  --include=openssh-server,sudo,procps,python3,iproute2 \
  bookworm "$work/root" "${MULTICLOUD_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
cd "$work/root"

# "*" is no password that fits, "!" would also lock key logins.
chroot . useradd --create-home --shell /bin/bash --password '*' debian
echo 'debian ALL=(ALL) NOPASSWD:ALL' >etc/sudoers.d/10-login-user
chmod 440 etc/sudoers.d/10-login-user
printf '%s\n' 'UseDNS no' 'PasswordAuthentication no' 'MaxStartups 200:30:400' 'MaxSessions 50' >etc/ssh/sshd_config.d/hosts.conf
rm -f etc/ssh/ssh_host_*

# Units are enabled and active when a file says so; every call is logged.
cat >usr/local/bin/systemctl <<'SHIM'
#!/bin/sh
state=/var/lib/fake-systemd
mkdir -p $state
echo "$*" >>/var/log/systemctl.log
verb=$1
shift
code=0
for unit in "$@"; do
  case $verb in
    enable) : >"$state/$unit.enabled" ;;
    start | restart) : >"$state/$unit.active" ;;
    stop) rm -f "$state/$unit.active" ;;
    is-enabled) if [ -e "$state/$unit.enabled" ]; then echo enabled; else echo disabled; code=1; fi ;;
    is-active) if [ -e "$state/$unit.active" ]; then echo active; else echo inactive; code=3; fi ;;
  esac
done
exit $code
SHIM
chmod 755 usr/local/bin/systemctl

# A package whose installation tells whether its settings were there already, and brings a user of its own.
probe=$work/probe
mkdir -p "$probe/DEBIAN" srv/archive
printf '%s\n' 'Package: probe-daemon' 'Version: 1.0' 'Architecture: all' 'Maintainer: nobody <nobody@example.com>' \
  'Description: shows what was there when it was installed' >"$probe/DEBIAN/control"
cat >"$probe/DEBIAN/postinst" <<'POST'
#!/bin/sh
set -e
if [ -e /etc/probe-daemon.conf ]; then echo settings were there; else echo no settings; fi >/var/lib/probe-daemon.log
id probe >/dev/null 2>&1 || useradd --system --user-group probe
POST
chmod 755 "$probe/DEBIAN/postinst"
dpkg-deb --root-owner-group --build "$probe" srv/archive/probe-daemon_1.0_all.deb >/dev/null
cd srv/archive
sha() { sha256sum "$1" | cut -d' ' -f1; }
size() { stat -c %s "$1"; }
{
  cat "$probe/DEBIAN/control"
  printf '%s\n' 'Filename: ./probe-daemon_1.0_all.deb' "Size: $(size probe-daemon_1.0_all.deb)" "SHA256: $(sha probe-daemon_1.0_all.deb)"
} >Packages
printf '%s\n' 'Suite: hosts' "Date: $(date -uR)" 'SHA256:' " $(sha Packages) $(size Packages) Packages" >Release
GNUPGHOME=$work/gnupg
export GNUPGHOME
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'archive of the test hosts' ed25519 sign never
gpg --batch --quiet --armor --export >key.asc
gpg --batch --quiet --clearsign --output InRelease Release
gpgconf --kill all
cd "$work/root"
# Only the archive inside: apt must not look for a network.
rm -rf etc/apt/sources.list etc/apt/sources.list.d/* var/lib/apt/lists/*

mv "$work/root" "$root" 2>/dev/null || [ -d "$root" ]
