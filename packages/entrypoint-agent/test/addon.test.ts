import { readFile } from "node:fs/promises";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AddonFixture, createPki, nodes, type Pki, setUp } from "../../addons/test/fixture.js";
import { callContext, setUp as setUpDns } from "../../dns-cloudflare/test/fixture.js";
import { nodeFlags } from "../src/addon/manifest.js";
import { agentSettings, entrypointAgent, entrypointAgentManifest } from "../src/index.js";

let pki: Pki;
let fixture: AddonFixture;
let dns: Awaited<ReturnType<typeof setUpDns>>;
beforeAll(async () => {
  pki = await createPki();
});
afterEach(async () => {
  await fixture?.close();
  await dns?.dns.close();
});

interface DaemonSet {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly securityContext: object;
        readonly volumes: readonly object[];
        readonly containers: readonly {
          readonly command: readonly string[];
          readonly securityContext: object;
          readonly resources: { readonly limits: object };
          readonly volumeMounts: readonly object[];
        }[];
      };
    };
  };
}

const programs = { program: "agent();", dnsProgram: "export const openRecord = 1;" };

async function open() {
  fixture = await setUp(pki);
  dns = await setUpDns();
  // The test needs no build.
  const entrypoint = dns.entrypoint();
  const inCluster = { ...entrypoint.inCluster!, program: async () => programs.dnsProgram };
  return { ...entrypoint, inCluster };
}

describe("the addon", () => {
  it("puts the agents into the cluster, changes nothing the second time, and takes everything out again", async () => {
    const entrypoint = await open();
    const addon = entrypointAgent({ entrypoint, program: programs.program });
    await addon.apply(fixture.context);
    const daemonSet = fixture.cluster.object(
      "apps/v1",
      "DaemonSet",
      "entrypoint-agent",
      "multicloud-entrypoint",
    );
    expect(daemonSet?.status).toMatchObject({ numberReady: 3 });
    const { length } = fixture.world.effects.all;
    await addon.apply(fixture.context);
    expect(fixture.world.effects.all).toHaveLength(length);

    await entrypoint.set(callContext({ cluster: "homelab" }), ["192.0.2.1"]);
    // Another cluster may not take this name, and keeps its own in the same zone.
    const other = callContext({ cluster: "other" });
    await expect(entrypoint.set(other, ["192.0.2.2"])).rejects.toMatchObject({ code: "CONFLICT" });
    await dns.entrypoint({ record: "*.other" }).set(other, ["192.0.2.2"]);
    await addon.remove(fixture.context);
    expect(dns.contents()).toEqual(["*.other.example.com A 192.0.2.2"]);
    const left = fixture.cluster
      .objects()
      .filter(({ metadata }) => metadata.name.includes("entrypoint-agent"));
    expect(left.filter(({ kind }) => kind !== "Event")).toEqual([]);
    // Now the other one may take the name, and a second removal leaves that alone too.
    await entrypoint.set(other, ["192.0.2.2"]);
    await addon.remove(fixture.context);
    expect(dns.contents()).toEqual(["*.apps.example.com A 192.0.2.2", "*.other.example.com A 192.0.2.2"]);
  });

  it("keeps the token in the Secret and nowhere else", async () => {
    const entrypoint = await open();
    const settings = agentSettings("homelab", nodes("home", "cloud"), { entrypoint });
    const secrets = entrypoint.inCluster.secrets();
    const objects = entrypointAgentManifest({ settings, ...programs, secrets, image: "node" });
    const token = dns.dns.token;
    const carriers = objects.filter((object) => {
      const text = JSON.stringify(object);
      return text.includes(token) || text.includes(Buffer.from(token).toString("base64"));
    });
    expect(carriers.map(({ kind }) => kind)).toEqual(["Secret"]);
  });

  it("runs without any privilege, with little memory, and as the image runs it", async () => {
    const entrypoint = await open();
    const settings = agentSettings("homelab", nodes("home"), { entrypoint });
    const objects = entrypointAgentManifest({ settings, ...programs, secrets: {}, image: "node" });
    const daemonSet = objects.find(({ kind }) => kind === "DaemonSet") as unknown as DaemonSet;
    const { securityContext, containers, ...pod } = daemonSet.spec.template.spec;
    expect(securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      fsGroup: 65_532,
      seccompProfile: { type: "RuntimeDefault" },
    });
    for (const key of ["hostNetwork", "hostPID", "hostIPC"]) expect(pod).not.toHaveProperty(key);
    for (const volume of pod.volumes) expect(volume).not.toHaveProperty("hostPath");
    expect(containers).toHaveLength(1);
    const [container] = containers;
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container?.resources.limits).toEqual({ memory: "50Mi" });
    for (const mount of container?.volumeMounts ?? []) expect(mount).toMatchObject({ readOnly: true });

    const dockerfile = await readFile(new URL("../Dockerfile", import.meta.url), "utf8");
    const cmd: string[] = JSON.parse(/^CMD (.*)$/m.exec(dockerfile)?.[1] ?? "[]");
    expect(cmd).toEqual(container?.command);
    expect(cmd.slice(1, -2)).toEqual(nodeFlags);
    expect(/^USER (.*)$/m.exec(dockerfile)?.[1]).toBe("65532:65532");
  });

  it("may only read single nodes, and leases and new events of its own namespace", async () => {
    const entrypoint = await open();
    const settings = agentSettings("homelab", nodes("home"), { entrypoint });
    const objects = entrypointAgentManifest({ settings, ...programs, secrets: {}, image: "node" });
    const rules = objects
      .filter(({ kind }) => /^(Cluster)?Role$/.test(kind))
      .map(({ kind, rules }) => [kind, rules]);
    expect(rules).toEqual([
      ["ClusterRole", [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }]],
      [
        "Role",
        [
          { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["list", "create", "update"] },
          { apiGroups: [""], resources: ["events"], verbs: ["create"] },
        ],
      ],
    ]);
  });
});

describe("its options", () => {
  const check = async (options: object) => {
    const entrypoint = await open();
    const addon = entrypointAgent({ entrypoint, ...options });
    const found = await addon.check?.(fixture.context, nodes("home", "cloud"), {});
    return found?.problems.map(({ path, given, suggestion }) => [path, given, suggestion]);
  };

  it("are right as they are by default", async () => {
    expect(await check({})).toEqual([]);
  });

  it("are told what is wrong with them, all at once", async () => {
    const options = {
      polcy: "active",
      policy: "all-helthy",
      prefer: ["hom"],
      probe: { kind: "https" },
      addresses: { cloud: ["example.com"] },
      addressSources: ["https://icanhazip.com"],
      timing: { renewDeadlineMs: 5_000, lookMs: 0 },
      namespace: "Not A Label",
    };
    expect(await check(options)).toEqual([
      ["polcy", undefined, "policy"],
      ["timing.lookMs", "0", undefined],
      ["timing.renewDeadlineMs", "5000 of 5000", undefined],
      ["policy", "all-helthy", "all-healthy"],
      ["probe.host", undefined, undefined],
      ["prefer", "hom", "home"],
      ["addresses.cloud", "example.com", undefined],
      ["addressSources", "1", undefined],
      ["namespace", "Not A Label", undefined],
    ]);
  });

  it("need a record that can be kept from inside the cluster", async () => {
    const { inCluster: _, ...outside } = await open();
    const addon = entrypointAgent({ entrypoint: outside });
    const found = await addon.check?.(fixture.context, nodes("home"), {});
    expect(found?.problems).toMatchObject([{ path: "entrypoint", given: "cloudflare" }]);
    await expect(addon.apply(fixture.context)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});
