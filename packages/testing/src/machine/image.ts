import type { Accounts } from "./accounts.js";
import { commandNamesOfImage } from "./commands.js";
import type { Disk } from "./disk.js";
import { placeProgram } from "./packages.js";

/** An operating system that machines boot from. */
export interface Image {
  readonly family: string;
  /** User that cloud-init makes and gives the cloud's SSH keys to. */
  readonly loginUser: string;
  readonly id: string;
  readonly version: string;
  readonly codename: string;
  readonly prettyName: string;
}

const images: readonly Image[] = [
  {
    family: "debian-12",
    loginUser: "debian",
    id: "debian",
    version: "12",
    codename: "bookworm",
    prettyName: "Debian GNU/Linux 12 (bookworm)",
  },
  {
    family: "debian-13",
    loginUser: "debian",
    id: "debian",
    version: "13",
    codename: "trixie",
    prettyName: "Debian GNU/Linux 13 (trixie)",
  },
  {
    family: "ubuntu-22.04",
    loginUser: "ubuntu",
    id: "ubuntu",
    version: "22.04",
    codename: "jammy",
    prettyName: "Ubuntu 22.04 LTS",
  },
  {
    family: "ubuntu-24.04",
    loginUser: "ubuntu",
    id: "ubuntu",
    version: "24.04",
    codename: "noble",
    prettyName: "Ubuntu 24.04 LTS",
  },
];

/** The image of a family; slugs of clouds such as `ubuntu-24-04-x64` are understood. An unknown family boots Debian 12. */
export function findImage(family: string): Image {
  const plain = family
    .toLowerCase()
    .replace(/-x64$/, "")
    .replace(/(\d+)-(\d+)$/, "$1.$2");
  return images.find((image) => plain.startsWith(image.family)) ?? (images[0] as Image);
}

/** Programs that lie in /usr/sbin; the others are in /usr/bin. */
const systemPrograms = new Set([
  "useradd",
  "usermod",
  "userdel",
  "groupadd",
  "groupdel",
  "adduser",
  "chpasswd",
  "visudo",
  "sysctl",
  "modprobe",
  "lsmod",
  "sshd",
  "swapoff",
  "swapon",
  "blkid",
  "reboot",
  "runuser",
  "service",
]);

/** Lays out the disk of an image that has never booted. */
export function installImage(disk: Disk, image: Image): void {
  for (const path of [
    "/boot",
    "/dev",
    "/etc/apt/apt.conf.d",
    "/etc/apt/keyrings",
    "/etc/apt/preferences.d",
    "/etc/apt/sources.list.d",
    "/etc/apt/trusted.gpg.d",
    "/etc/cloud/cloud.cfg.d",
    "/etc/default",
    "/etc/modules-load.d",
    "/etc/modprobe.d",
    "/etc/profile.d",
    "/etc/ssh/sshd_config.d",
    "/etc/sudoers.d",
    "/etc/sysctl.d",
    "/etc/systemd/system",
    "/home",
    "/lib/modules",
    "/lib/systemd/system",
    "/mnt",
    "/opt",
    "/proc",
    "/run/cloud-init",
    "/run/systemd/system",
    "/srv",
    "/sys",
    "/usr/bin",
    "/usr/lib",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share/keyrings",
    "/var/cache/apt",
    "/var/lib/apt/lists",
    "/var/lib/cloud",
    "/var/lib/dpkg",
    "/var/log",
  ])
    disk.ensureDirectory(path);
  disk.ensureDirectory("/root");
  disk.setMode("/root", 0o700);
  disk.setMode("/etc/sudoers.d", 0o750);
  for (const path of ["/tmp", "/var/tmp", "/run/lock", "/dev/shm"]) {
    disk.ensureDirectory(path);
    disk.setMode(path, 0o1777);
  }
  for (const [path, target] of [
    ["/bin", "usr/bin"],
    ["/sbin", "usr/sbin"],
    ["/var/run", "/run"],
    ["/var/lock", "/run/lock"],
    ["/etc/mtab", "../proc/self/mounts"],
  ] as const)
    disk.link(target, path);
  for (const [path, text, mode] of files(image)) {
    disk.write(path, Buffer.from(text));
    disk.setMode(path, mode ?? 0o644);
  }
  disk.setOwner("/etc/shadow", 0, 42);
  for (const path of ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/tty"]) {
    disk.write(path, new Uint8Array());
    disk.setMode(path, 0o666);
  }
  for (const name of commandNamesOfImage)
    placeProgram(disk, name, systemPrograms.has(name) ? "/usr/sbin" : "/usr/bin");
}

function files(image: Image): [path: string, text: string, mode?: number][] {
  const systemUsers = [
    ["root", 0, 0, "/root", "/bin/bash"],
    ["daemon", 1, 1, "/usr/sbin", "/usr/sbin/nologin"],
    ["www-data", 33, 33, "/var/www", "/usr/sbin/nologin"],
    ["nobody", 65534, 65534, "/nonexistent", "/usr/sbin/nologin"],
    ["_apt", 42, 65534, "/nonexistent", "/usr/sbin/nologin"],
    ["messagebus", 100, 107, "/nonexistent", "/usr/sbin/nologin"],
    ["sshd", 101, 65534, "/run/sshd", "/usr/sbin/nologin"],
  ] as const;
  const groups: readonly (readonly [string, number])[] = [
    ["root", 0],
    ["daemon", 1],
    ["sys", 3],
    ["adm", 4],
    ["tty", 5],
    ["disk", 6],
    ["dialout", 20],
    ["cdrom", 24],
    ["floppy", 25],
    ["sudo", 27],
    ["audio", 29],
    ["dip", 30],
    ["www-data", 33],
    ["shadow", 42],
    ["video", 44],
    ["plugdev", 46],
    ["staff", 50],
    ["users", 100],
    ["netdev", 106],
    ["messagebus", 107],
    ["nogroup", 65534],
    ...(image.id === "ubuntu" ? [["lxd", 110] as const] : []),
  ];
  return [
    [
      "/etc/passwd",
      systemUsers
        .map(([name, uid, gid, home, shell]) => `${name}:x:${uid}:${gid}:${name}:${home}:${shell}\n`)
        .join(""),
    ],
    ["/etc/shadow", systemUsers.map(([name]) => `${name}:*:19700:0:99999:7:::\n`).join(""), 0o640],
    ["/etc/group", groups.map(([name, gid]) => `${name}:x:${gid}:\n`).join("")],
    [
      "/etc/os-release",
      `PRETTY_NAME="${image.prettyName}"\nNAME="${image.id === "debian" ? "Debian GNU/Linux" : "Ubuntu"}"\nVERSION_ID="${image.version}"\nVERSION="${image.version} (${image.codename})"\nVERSION_CODENAME=${image.codename}\nID=${image.id}\n${image.id === "ubuntu" ? "ID_LIKE=debian\n" : ""}`,
    ],
    ["/etc/debian_version", `${image.version}\n`],
    ["/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"],
    ["/etc/resolv.conf", "nameserver 192.0.2.53\n"],
    ["/etc/fstab", "/dev/vda1 / ext4 rw,discard,errors=remount-ro 0 1\n"],
    ["/etc/profile", "export PATH\n"],
    ...(image.id === "ubuntu"
      ? [
          ["/etc/environment", `PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\n`] as [
            string,
            string,
          ],
        ]
      : []),
    ["/etc/shells", "/bin/sh\n/bin/bash\n/usr/bin/sh\n/usr/bin/bash\n"],
    ["/etc/sysctl.conf", ""],
    [
      "/etc/sudoers",
      "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
      0o440,
    ],
    [
      "/etc/ssh/sshd_config",
      "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp /usr/lib/openssh/sftp-server\n",
    ],
    ["/etc/apt/sources.list", `deb http://deb.debian.org/debian ${image.codename} main\n`],
    ["/etc/cloud/cloud.cfg", `system_info:\n  default_user:\n    name: ${image.loginUser}\n`],
    ["/usr/sbin/nologin", "#!/bin/sh\necho 'This account is currently not available.'\nexit 1\n", 0o755],
    [
      "/proc/meminfo",
      "MemTotal:        4017920 kB\nMemFree:         3214336 kB\nMemAvailable:    3616128 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n",
    ],
    ["/proc/cpuinfo", "processor\t: 0\nmodel name\t: Sandbox\n\nprocessor\t: 1\nmodel name\t: Sandbox\n"],
    ["/proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"],
    ["/proc/mounts", "/dev/vda1 / ext4 rw,relatime 0 0\n"],
    ["/proc/uptime", "60.00 110.00\n"],
    ["/proc/loadavg", "0.00 0.00 0.00 1/100 1000\n"],
    ["/proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro\n"],
  ];
}

/** Makes the user that the image logs in as, with passwordless sudo, as cloud-init does. */
export function addLoginUser(disk: Disk, accounts: Accounts, name: string): void {
  if (!accounts.user(name)) {
    accounts.addUser({
      name,
      shell: "/bin/bash",
      groups: ["adm", "audio", "cdrom", "dialout", "dip", "floppy", "netdev", "plugdev", "sudo", "video"],
    });
  }
  if (name === "root") return;
  disk.write(
    "/etc/sudoers.d/90-cloud-init-users",
    Buffer.from(`# Created by cloud-init\n\n# User rules for ${name}\n${name} ALL=(ALL) NOPASSWD:ALL\n`),
  );
  disk.setMode("/etc/sudoers.d/90-cloud-init-users", 0o440);
}

/** Adds public keys to what a user may log in with; only the user can read the file. */
export function authorize(disk: Disk, accounts: Accounts, name: string, keys: readonly string[]): void {
  const user = accounts.user(name);
  if (!user || keys.length === 0) return;
  const folder = `${user.home}/.ssh`;
  if (!disk.find(folder)) {
    disk.ensureDirectory(folder, 0o700);
    disk.setOwner(folder, user.uid, user.gid);
  }
  const path = `${folder}/authorized_keys`;
  const old = Buffer.from(disk.find(path)?.content ?? [])
    .toString("utf8")
    .split("\n")
    .filter(Boolean);
  const all = [...old, ...keys.map((key) => key.trim()).filter((key) => !old.includes(key))];
  disk.write(path, Buffer.from(`${all.join("\n")}\n`));
  disk.setMode(path, 0o600);
  disk.setOwner(path, user.uid, user.gid);
}
