import { readFileSync } from "node:fs";
import type { SshHost } from "@multicloud/ssh";
import type { NodeFragment } from "../../core/src/contracts/fragment.js";
import { realHosts } from "./real-hosts.js";

/** Real hosts for tests of fragments. */
export interface ApplyLab {
  /** A host that no test has used, so that none depends on what another did. */
  freshHost(): Promise<SshHost>;
  /** All of them. */
  allHosts(): Promise<readonly SshHost[]>;
  /** Everything a fragment can have, under a name of its own. */
  everything(name: string): NodeFragment;
  close(): Promise<void>;
}

/** @param from which end of the hosts is used: files that run one after the other do not share any */
export async function openApplyLab(from: "start" | "end"): Promise<ApplyLab> {
  const { addresses, connect, privateKeyFile } = realHosts();
  const unused = [...addresses];
  const open: SshHost[] = [];
  async function connected(address: string): Promise<SshHost> {
    const host = await connect(address);
    open.push(host);
    return host;
  }
  async function freshHost(): Promise<SshHost> {
    const address = from === "start" ? unused.shift() : unused.pop();
    if (!address) throw new Error("more tests than hosts: start more of them in package.json's test:hosts");
    return connected(address);
  }
  const key = await sh(await freshHost(), "cat /srv/archive/key.asc");
  const archive = { name: "archive", source: "deb file:/srv/archive ./", key };
  const publicKey = readFileSync(`${privateKeyFile}.pub`, "utf8").trim();

  function everything(name: string): NodeFragment {
    return {
      aptSources: [archive],
      packages: ["probe-daemon"],
      directories: [
        { path: `/opt/${name}/data dir`, mode: "0750" },
        { path: `/opt/${name}`, mode: "0711", owner: `${name}:${name}` },
      ],
      files: [
        { path: "/etc/probe-daemon.conf", content: "setting=1\n" },
        { path: `/opt/${name}/secret's`, content: `top secret of ${name}\n`, mode: "0600" },
        {
          path: `/opt/${name}/owned`,
          content: new Uint8Array([0, 1, 254, 255, 10]),
          mode: "0640",
          owner: "probe:probe",
        },
        { path: `/etc/systemd/system/${name}.service`, content: "[Service]\nExecStart=/bin/true\n" },
      ],
      users: [{ name, groups: [`${name}-group`, "adm"], sudo: true, authorizedKeys: [publicKey] }],
      sysctl: { "net.ipv4.ip_forward": "1", "net.ipv4.ip_local_port_range": "20000 50000" },
      services: [{ name, restartOn: [`/etc/systemd/system/${name}.service`] }],
      commands: [
        { name: "mark", run: `echo once >>/opt/${name}/mark`, unless: `[ -e /opt/${name}/mark ]` },
        {
          name: "second",
          run: `cp /opt/${name}/mark /opt/${name}/copy`,
          unless: `cmp -s /opt/${name}/mark /opt/${name}/copy`,
        },
      ],
    };
  }

  return {
    freshHost,
    allHosts: () => Promise.all(addresses.map(connected)),
    everything,
    close: async () => void (await Promise.all(open.map((host) => host.close()))),
  };
}

export async function sh(host: SshHost, command: string): Promise<string> {
  const { code, stdout, stderr } = await host.exec(command, { sudo: true });
  if (code !== 0) throw new Error(`${command}: ${code} ${stderr}`);
  return stdout.trim();
}

/** What `everything()` must have led to, as the host sees it. */
export async function seen(host: SshHost, name: string): Promise<string[]> {
  const lines = await sh(
    host,
    `stat -c '%a %U:%G %n' '/opt/${name}/data dir' /opt/${name} '/opt/${name}/'*[!r] /etc/sudoers.d/90-multicloud-${name} /home/${name}/.ssh/authorized_keys;
     cat '/opt/${name}/secret'*; sha256sum /opt/${name}/owned; cat /opt/${name}/mark; id -Gn ${name}; cat /home/${name}/.ssh/authorized_keys | wc -l;
     cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_local_port_range /var/lib/probe-daemon.log; systemctl is-active ${name}; systemctl is-enabled ${name};
     sudo -u ${name} sudo -n id -un; find / -xdev -name '*.mc-new'; find /run/multicloud -type f 2>/dev/null; dpkg --audit`,
  );
  return lines.split("\n");
}

// sha256 of the bytes 00 01 fe ff 0a
const owned = "7e37d01a45184d4ea03a2f07781f2772cb2964fac699163db085198c375f07de";

/** The same, as it has to be. */
export function expected(name: string): string[] {
  return [
    `750 root:root /opt/${name}/data dir`,
    `711 ${name}:${name} /opt/${name}`,
    `644 root:root /opt/${name}/copy`,
    `644 root:root /opt/${name}/mark`,
    `640 probe:probe /opt/${name}/owned`,
    `600 root:root /opt/${name}/secret's`,
    `440 root:root /etc/sudoers.d/90-multicloud-${name}`,
    `600 ${name}:${name} /home/${name}/.ssh/authorized_keys`,
    `top secret of ${name}`,
    `${owned}  /opt/${name}/owned`,
    "once",
    `${name} adm ${name}-group`,
    "1",
    "1",
    "20000\t50000",
    "settings were there",
    "active",
    "enabled",
    "root",
  ];
}
