import type { Disk } from "./disk.js";

/** Kernel settings and modules. `/proc/sys` on the disk is the truth. */
export type Kernel = ReturnType<typeof createKernel>;

const initial: Readonly<Record<string, string>> = {
  "fs.file-max": "9223372036854775807",
  "fs.inotify.max_user_instances": "128",
  "fs.inotify.max_user_watches": "65536",
  "kernel.hostname": "localhost",
  "kernel.osrelease": "6.1.0-25-cloud-amd64",
  "kernel.ostype": "Linux",
  "kernel.panic": "0",
  "kernel.panic_on_oops": "0",
  "kernel.pid_max": "4194304",
  "net.core.rmem_max": "212992",
  "net.core.somaxconn": "4096",
  "net.core.wmem_max": "212992",
  "net.ipv4.conf.all.forwarding": "0",
  "net.ipv4.conf.all.rp_filter": "0",
  "net.ipv4.conf.default.rp_filter": "2",
  "net.ipv4.ip_forward": "0",
  "net.ipv4.tcp_keepalive_time": "7200",
  "net.ipv6.conf.all.disable_ipv6": "0",
  "net.ipv6.conf.all.forwarding": "0",
  "net.ipv6.conf.default.disable_ipv6": "0",
  "net.ipv6.conf.lo.disable_ipv6": "0",
  "vm.max_map_count": "65530",
  "vm.overcommit_memory": "0",
  "vm.panic_on_oom": "0",
  "vm.swappiness": "60",
};

/** Modules that the image has, with the settings that appear when one is loaded. */
const modules: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  br_netfilter: {
    "net.bridge.bridge-nf-call-arptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.bridge.bridge-nf-call-iptables": "1",
  },
  nf_conntrack: { "net.netfilter.nf_conntrack_max": "262144" },
  ...Object.fromEntries(
    [
      "overlay",
      "bridge",
      "ip_tables",
      "ip6_tables",
      "ip_vs",
      "ip_vs_rr",
      "ip_vs_wrr",
      "ip_vs_sh",
      "iptable_nat",
      "iptable_filter",
      "iptable_mangle",
      "iptable_raw",
      "nf_nat",
      "vxlan",
      "veth",
      "tun",
      "wireguard",
      "dm_crypt",
      "iscsi_tcp",
      "nfs",
      "xt_comment",
      "xt_conntrack",
      "xt_set",
      "ip_set",
      "xt_multiport",
      "xt_statistic",
      "xt_nfacct",
      "nvme_tcp",
      "uio_pci_generic",
      "vfio_pci",
      "loop",
      "dm_mod",
      "dm_snapshot",
    ].map((name) => [name, {}]),
  ),
};

/** What daemons do to the kernel when they start. */
const neededByUnit: Readonly<
  Record<string, { readonly modules: readonly string[]; readonly settings: Readonly<Record<string, string>> }>
> = {
  docker: {
    modules: ["overlay", "bridge", "br_netfilter", "nf_nat", "xt_conntrack"],
    settings: { "net.ipv4.ip_forward": "1" },
  },
  containerd: { modules: ["overlay"], settings: {} },
  iscsid: { modules: ["iscsi_tcp"], settings: {} },
};

const filesystems = ["nodev\tsysfs", "nodev\ttmpfs", "nodev\tproc", "nodev\tcgroup2", "\text4", "\tvfat"];

export function createKernel(disk: Disk) {
  const loaded = new Set<string>();
  const path = (name: string) => `/proc/sys/${name.split(/[./]/).join("/")}`;
  const put = (file: string, text: string) => {
    disk.ensureDirectory(file.slice(0, file.lastIndexOf("/")));
    disk.write(file, Buffer.from(text));
  };
  const showModules = () => {
    put("/proc/modules", [...loaded].map((name) => `${name} 16384 0 - Live 0x0000000000000000\n`).join(""));
    put(
      "/proc/filesystems",
      `${[...filesystems, ...(loaded.has("overlay") ? ["nodev\toverlay"] : [])].join("\n")}\n`,
    );
  };
  for (const [name, value] of Object.entries(initial)) put(path(name), `${value}\n`);
  showModules();

  return {
    get(name: string): string | undefined {
      const inode = disk.find(path(name));
      return inode?.type === "file" ? Buffer.from(inode.content).toString("utf8").trim() : undefined;
    },
    /** True when the value changed; `undefined` when there is no such setting. */
    set(name: string, value: string): boolean | undefined {
      const old = this.get(name);
      if (old === undefined) return undefined;
      put(path(name), `${value}\n`);
      if (name === "net.ipv4.ip_forward") put(path("net.ipv4.conf.all.forwarding"), `${value}\n`);
      return old !== value;
    },
    names(): string[] {
      return disk
        .allPaths()
        .filter((one) => one.startsWith("/proc/sys/") && disk.find(one)?.type === "file")
        .map((one) => one.slice("/proc/sys/".length).replaceAll("/", "."));
    },
    isLoaded: (name: string) => loaded.has(name.replaceAll("-", "_")),
    /** True when it was not loaded before; `undefined` when the image has no such module. */
    load(given: string): boolean | undefined {
      const name = given.replaceAll("-", "_");
      const settings = modules[name];
      if (!settings) return undefined;
      if (loaded.has(name)) return false;
      loaded.add(name);
      for (const [setting, value] of Object.entries(settings)) put(path(setting), `${value}\n`);
      showModules();
      return true;
    },
    /** Loads and sets what a daemon needs. */
    serve(unit: string): void {
      const needs = neededByUnit[unit];
      for (const name of needs?.modules ?? []) this.load(name);
      for (const [name, value] of Object.entries(needs?.settings ?? {})) this.set(name, value);
    },
    unload(name: string): void {
      loaded.delete(name.replaceAll("-", "_"));
      showModules();
    },
  };
}
