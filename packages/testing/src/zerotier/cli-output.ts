import type { VirtualMachine } from "../world/machines.js";
import type { Daemon, Membership } from "./daemon.js";

/** Version of the emulated package. */
export const version = "1.14.1";

/** JSON as the daemon prints it: keys sorted, one blank of indentation. */
export function dump(value: unknown): string {
  return JSON.stringify(sorted(value), null, 1);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}

/** `GET /status`. */
export function statusObject(machine: VirtualMachine, daemon: Daemon, now: number) {
  const local = readLocalConf(machine);
  const at = machine.spec.publicAddress ?? machine.spec.privateAddress ?? "127.0.0.1";
  return {
    address: daemon.address,
    clock: now,
    config: {
      ...local,
      settings: {
        allowTcpFallbackRelay: true,
        forceTcpRelay: false,
        homeDir: "/var/lib/zerotier-one",
        listeningOn: [`${at}/9993`, `${at}/58784`, `${at}/47345`],
        portMappingEnabled: true,
        primaryPort: 9993,
        secondaryPort: 58784,
        softwareUpdate: "disable",
        softwareUpdateChannel: "release",
        surfaceAddresses: [`${at}/9993`],
        tertiaryPort: 47345,
        ...(typeof local.settings === "object" ? local.settings : {}),
      },
    },
    online: daemon.online,
    planetWorldId: 149604618,
    planetWorldTimestamp: 1567191349589,
    publicIdentity: daemon.identity,
    tcpFallbackActive: false,
    version,
    versionBuild: 0,
    versionMajor: 1,
    versionMinor: 14,
    versionRev: 1,
  };
}

function readLocalConf(machine: VirtualMachine): Record<string, unknown> {
  try {
    return JSON.parse(machine.files.read("/var/lib/zerotier-one/local.conf") ?? "{}");
  } catch {
    return {};
  }
}

/** One entry of `GET /network`: the same keys in every state. */
export function networkObject(membership: Membership) {
  const { network, networkId, allow, status } = membership;
  const asked = status !== "REQUESTING_CONFIGURATION";
  return {
    allowDNS: allow.DNS,
    allowDefault: allow.Default,
    allowGlobal: allow.Global,
    allowManaged: allow.Managed,
    assignedAddresses: membership.assigned,
    bridge: false,
    broadcastEnabled: network?.enableBroadcast ?? false,
    dhcp: false,
    dns: { domain: "", servers: [] },
    id: networkId,
    mac: membership.mac,
    mtu: network?.mtu ?? 2800,
    multicastSubscriptions: asked ? [{ adi: 0, mac: "01:00:5e:00:00:01" }] : [],
    name: network?.name ?? "",
    netconfRevision: membership.revision,
    nwid: networkId,
    portDeviceName: membership.device,
    portError: 0,
    routes: (network?.routes ?? []).map(({ target, via }) => ({ flags: 0, metric: 0, target, via })),
    status,
    type: (network?.private ?? true) ? "PRIVATE" : "PUBLIC",
  };
}

/** `GET /peer`: the root only. */
export function peerObjects(now: number) {
  return [
    {
      address: "778cde7190",
      isBonded: false,
      latency: 25,
      paths: [
        {
          active: true,
          address: "103.195.103.66/9993",
          expired: false,
          lastReceive: now - 1200,
          lastSend: now - 1200,
          localPort: 0,
          localSocket: 94379185876784,
          preferred: true,
          trustedPathId: 0,
        },
      ],
      role: "PLANET",
      tunneled: false,
      version: "-1.-1.-1",
      versionMajor: -1,
      versionMinor: -1,
      versionRev: -1,
    },
  ];
}

/** One line of plain `listnetworks`. A network without a name leaves two blanks. */
export function networkLine(membership: Membership): string {
  const { nwid, name, mac, status, type, portDeviceName, assignedAddresses } = networkObject(membership);
  return `200 listnetworks ${nwid} ${name} ${mac} ${status} ${type} ${portDeviceName} ${assignedAddresses.join(",") || "-"}\n`;
}
