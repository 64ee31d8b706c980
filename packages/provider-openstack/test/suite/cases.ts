import { type Machine, MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { createOpenStackClient } from "../../src/client/index.js";
import { type OpenStackOptions, openstack } from "../../src/index.js";
import { createContext, otherKey, request, shape, shared } from "../sandbox.js";
import { type CloudUnderTest, nothing } from "./cloud-under-test.js";
import { openRaw, type RawCloud } from "./raw-cloud.js";
import { watchFetch } from "./watch.js";

/** The suite that the emulated and the real OpenStack both pass. */
export function describeOpenStack(
  name: string,
  open: () => Promise<CloudUnderTest & { close?(): Promise<void> }>,
): void {
  describe(name, () => {
    let cloud: CloudUnderTest & { close?(): Promise<void> };
    let home: RawCloud;
    let attic: RawCloud;
    let cellar: RawCloud;
    beforeAll(async () => {
      cloud = await open();
      home = await openRaw(cloud.cloudsFile, "home-password");
      attic = await openRaw(cloud.cloudsFile, "attic");
      cellar = await openRaw(cloud.cloudsFile, "cellar");
    });
    afterAll(() => cloud?.close?.());

    /** A site of a cluster of its own; a case that fails leaves nothing to the next one either. */
    function site(cluster: string, entry = "home"): SiteContext {
      const context = createContext({ cluster });
      onTestFailed(async () => {
        const own = provider(entry);
        await own.delete(context, await own.list(context));
        await own.deleteShared(context);
      });
      return context;
    }
    const options = (entry: string, more: OpenStackOptions = {}): OpenStackOptions => ({
      cloud: entry,
      cloudsFile: cloud.cloudsFile,
      network: "homenet",
      ...more,
    });
    const provider = (entry: string, more: OpenStackOptions = {}) => openstack(options(entry, more));
    const small = (node: string) => request(node, { size: "g1.small" });
    const withDisk = (node: string) =>
      request(node, { size: "g1.small", disk: { sizeGiB: 2, type: "fast" } });

    async function until<T>(look: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
      const end = performance.now() + 120_000;
      for (;;) {
        const value = await look();
        if (isSo(value)) return value;
        if (performance.now() > end) throw new Error(`still ${JSON.stringify(value)}`);
        await new Promise((resolve) => setTimeout(resolve, cloud.pollMs));
      }
    }

    function settled(context: SiteContext, from = provider("home")): Promise<readonly Machine[]> {
      return until(
        () => from.list(context),
        (machines) => machines.every(({ status }) => status !== "creating" && status !== "deleting"),
      );
    }

    /** Deletes everything of a site; the case has failed when anything is left. */
    async function clean(context: SiteContext, entry = "home", raw = home) {
      const own = provider(entry);
      await own.delete(context, await own.list(context));
      await own.deleteShared(context);
      const mine = (items: readonly string[]) => items.filter((item) => item.includes(context.cluster));
      const left = await until(
        () => raw.leftovers(),
        (all) => mine(all.servers).length === 0,
      );
      expect([...mine(left.securityGroups), ...mine(left.keypairs), ...mine(left.serverGroups)]).toEqual([]);
    }

    async function failure(promise: Promise<unknown>): Promise<MulticloudError> {
      const error = await promise.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!MulticloudError.isInstance(error)) throw error ?? new Error("it did not fail");
      return error;
    }

    it("lets in with an application credential and with a password, to the same project", async () => {
      const call = createContext();
      for (const entry of ["home", "home-password"]) {
        const client = createOpenStackClient(options(entry));
        expect((await client.authorize(call)).projectId).toBe(home.projectId);
        expect(await client.nova.listServers(call)).toEqual([]);
      }
      const { auth } = await createOpenStackClient(options("home-password")).settings();
      const credential = (await createOpenStackClient(options("home")).settings()).auth;
      const { password: _, projectName: __, ...user } = auth;
      const byName = createOpenStackClient({
        auth: {
          ...user,
          applicationCredentialName: "sdk",
          applicationCredentialSecret: credential.applicationCredentialSecret!,
        },
        region: "RegionOne",
      });
      expect((await byName.authorize(call)).projectId).toBe(home.projectId);
      const wrong = createOpenStackClient({
        auth: {
          ...auth,
          password: "not-alices-password",
        },
      });
      const error = await failure(wrong.authorize(call));
      expect(error).toMatchObject({ code: "AUTH_FAILED", service: "keystone", status: 401 });
      expect(error.requestId).toMatch(/^req-/);
      expect(`${error.message} ${error.hint}`).not.toContain("not-alices-password");
    });

    it("goes on after the token was taken away, with one login for all services", async () => {
      const call = createContext();
      const watched = watchFetch();
      const client = createOpenStackClient(options("home-password", { fetch: watched.fetch }));
      const everything = () =>
        Promise.all([
          client.nova.listServers(call),
          client.nova.limits(call),
          client.neutron.listNetworks(call),
          client.glance.listImages(call),
          client.cinder.listVolumeTypes(call),
        ]);
      const before = await everything();
      const { token } = await client.authorize(call);
      await home.revoke(token);
      // Services remember for some seconds that a token was good.
      await until(
        () => home.call("compute", "GET", "/servers", { token }),
        ({ status }) => status === 401,
      );
      watched.lap();
      expect(await everything()).toEqual(before);
      const logins = watched.calls.filter(({ path }) => path.endsWith("/auth/tokens"));
      expect(logins).toHaveLength(2);
      expect(watched.calls.filter(({ status }) => status === 401).length).toBeGreaterThan(0);
    });

    it("makes six machines, on local disks and on volumes, and repeats without a write", async () => {
      const context = site("six");
      const watched = watchFetch();
      const own = provider("home", { fetch: watched.fetch });
      const requests = [
        request("six-home-master-1", { role: "master", disk: { sizeGiB: 3, type: "fast" } }),
        withDisk("six-home-worker-1"),
        ...[2, 3, 4, 5].map((n) => small(`six-home-worker-${n}`)),
      ];
      const names = requests.map(({ name }) => name);
      const machines = requests.map(({ spec: _, userData: __, ...machine }) => machine);
      expect(await own.check(context, { machines, toCreate: names })).toEqual({ problems: [], warnings: [] });
      expect(watched.writes()).toBe(0);

      await own.ensureShared(context, shared);
      await Promise.all(requests.map((machine) => own.create(context, [machine])));
      const made = await settled(context, own);
      expect(made.map(({ name: node, role, status, spec }) => ({ node, role, status, spec }))).toEqual(
        names.map((node) => ({
          node,
          role: node.includes("master") ? "master" : "worker",
          status: "running",
          spec: "spec-1",
        })),
      );
      expect(new Set(made.map(({ privateAddress }) => privateAddress)).size).toBe(6);
      expect(made.every(({ privateAddress }) => privateAddress?.startsWith("10.20."))).toBe(true);

      const servers = await home.all("compute", "/servers/detail?name=six-", "servers");
      const master = servers.find((server) => server.name === "six-home-master-1")!;
      expect(master).toMatchObject({
        key_name: "multicloud-six-home",
        image: "",
        metadata: { "multicloud-cluster": "six", "multicloud-node": "six-home-master-1" },
      });
      const volumes = await home.all("volumev3", "/volumes/detail", "volumes");
      expect(volumes.map(({ size, volume_type, status }) => ({ size, volume_type, status }))).toEqual(
        expect.arrayContaining([
          { size: 2, volume_type: "fast", status: "in-use" },
          { size: 3, volume_type: "fast", status: "in-use" },
        ]),
      );

      const writes = watched.writes();
      const again = provider("home", { fetch: watched.fetch });
      await again.check(context, { machines, toCreate: [] });
      await again.ensureShared(context, shared);
      for (const machine of requests) await again.create(context, [machine]);
      expect(await again.list(context)).toEqual(made);
      expect(watched.writes()).toBe(writes);

      await again.delete(context, [made[1]!]);
      await until(
        () => again.list(context),
        (all) => all.length === 5,
      );
      await again.create(context, [withDisk(made[1]!.name)]);
      const replaced = await settled(context, again);
      expect(replaced.map(({ name: node }) => node)).toEqual(names);
      expect(replaced[1]!.id).not.toBe(made[1]!.id);

      await clean(context);
      await until(
        () => home.all("volumev3", "/volumes/detail", "volumes"),
        (left) => left.length === 0,
      );
    });

    it("finds all servers over pages of two, and takes calls by the page", async () => {
      const context = site("pages");
      const watched = watchFetch();
      const own = provider("home-paged", { fetch: watched.fetch });
      await own.ensureShared(context, shared);
      const names = [1, 2, 3, 4, 5].map((n) => `pages-home-worker-${n}`);
      for (const node of names) await own.create(context, [small(node)]);
      await settled(context, own);
      const before = watched.calls.length;
      expect((await own.list(context)).map(({ name: node }) => node)).toEqual(names);
      expect(watched.calls.length - before).toBe(3);
      await clean(context);
    });

    it("keeps two clusters of one project and two projects apart", async () => {
      const contexts = [site("one"), site("two"), site("three", "attic")];
      const entries = ["home", "home-password", "attic"];
      const providers = entries.map((entry) => provider(entry));
      await Promise.all(
        contexts.map(async (context, n) => {
          await providers[n]!.ensureShared(context, shared);
          await providers[n]!.create(context, [small(`${context.cluster}-home-worker-1`)]);
        }),
      );
      await Promise.all(contexts.map((context, n) => settled(context, providers[n]!)));
      for (const [n, context] of contexts.entries()) {
        const names = (await providers[n]!.list(context)).map((machine) => machine.name);
        expect(names).toEqual([`${context.cluster}-home-worker-1`]);
      }
      const groups = (await home.leftovers()).securityGroups;
      expect(groups).toEqual(["multicloud-one-home", "multicloud-two-home"]);
      const [second] = await providers[1]!.list(contexts[1]!);
      // Told to delete what is another's, it does not.
      await providers[0]!.delete(contexts[0]!, [second!]);
      await clean(contexts[0]!);
      expect((await home.leftovers()).securityGroups).toEqual(["multicloud-two-home"]);
      expect(await providers[1]!.list(contexts[1]!)).toEqual([second]);
      await clean(contexts[1]!);
      expect((await attic.leftovers()).servers).toEqual(["three-home-worker-1"]);
      await clean(contexts[2]!, "attic", attic);
    });

    it("corrects the firewall, and touches nothing that is not ours", async () => {
      const context = site("fire");
      const own = provider("home");
      await own.ensureShared(context, shared);
      const narrower = {
        ...shared,
        firewall: [{ protocol: "tcp" as const, port: 22, sources: ["192.0.2.1"] }],
      };
      await own.ensureShared(context, narrower);
      const groups = await home.all("network", "/security-groups", "security_groups");
      const { id, security_group_rules: rules } = groups.find((it) => it.name === "multicloud-fire-home")!;
      const ingress = (rules as Record<string, unknown>[]).filter((rule) => rule.direction === "ingress");
      expect(ingress).toEqual([
        expect.objectContaining({ protocol: "tcp", port_range_min: 22, remote_ip_prefix: "192.0.2.1/32" }),
      ]);

      const body = { security_group: { description: "mine now" } };
      expect((await home.call("network", "PUT", `/security-groups/${id}`, { body })).status).toBe(200);
      expect(await failure(own.ensureShared(context, shared))).toMatchObject({ code: "CONFLICT" });
      await own.deleteShared(context);
      expect((await home.leftovers()).securityGroups).toEqual(["multicloud-fire-home"]);
      expect((await home.call("network", "DELETE", `/security-groups/${id}`)).status).toBe(204);

      const keypair = { keypair: { name: "multicloud-fire-home", public_key: otherKey } };
      expect((await home.call("compute", "POST", "/os-keypairs", { body: keypair })).status).toBeLessThan(
        300,
      );
      expect(await failure(own.ensureShared(context, shared))).toMatchObject({ code: "CONFLICT" });
      await own.deleteShared(context);
      expect((await home.leftovers()).keypairs).toEqual(["multicloud-fire-home"]);
      await home.call("compute", "DELETE", "/os-keypairs/multicloud-fire-home");
    });

    it("says before it makes anything that the quota is too small, and what the cloud says after", async () => {
      const context = site("quota", "cellar");
      const own = provider("cellar");
      const names = [1, 2, 3, 4].map((n) => `quota-home-worker-${n}`);
      const machines = names.map((node) => shape(node, { disk: { sizeGiB: 10 } }));
      const { problems } = await own.check(context, { machines, toCreate: names });
      expect(problems.map(({ message }) => message).sort()).toEqual([
        "needs 4 instances / 8 vCPU / 16384 MiB RAM, quota leaves 2 / 4 / 8192",
        "needs 4 volumes / 40 GiB of volumes, quota leaves 1 / 20",
      ]);

      await own.ensureShared(context, shared);
      await own.create(context, [small(names[0]!)]);
      await own.create(context, [withDisk(names[1]!)]);
      expect(await failure(own.create(context, [small(names[2]!)]))).toMatchObject({
        code: "QUOTA_EXCEEDED",
        service: "nova",
        status: 403,
        node: names[2],
        message: expect.stringContaining(
          "Quota exceeded for instances: Requested 1, but already used 2 of 2 instances",
        ),
        requestId: expect.stringMatching(/^req-/),
      });
      const other = site("quota-more", "cellar");
      expect(await failure(own.ensureShared(other, shared))).toMatchObject({
        code: "QUOTA_EXCEEDED",
        service: "neutron",
        status: 409,
        message: expect.stringContaining("Quota exceeded for resources: ['security_group']"),
      });

      // The second volume is refused only when Nova asks Cinder for it, and the machine fails.
      expect((await settled(context, own)).map(({ status }) => status)).toEqual(["running", "running"]);
      await own.delete(context, (await own.list(context)).slice(0, 1));
      await until(
        () => own.list(context),
        (all) => all.length === 1,
      );
      await own.create(context, [withDisk(names[2]!)]);
      const failed = (await settled(context, own)).find((machine) => machine.name === names[2]);
      expect(failed).toMatchObject({ status: "failed", fault: expect.stringContaining("Volume") });
      await own.delete(context, [failed!]);
      await clean(context, "cellar", cellar);
    });

    it("tells that no host was found, and cleans up after it", async () => {
      const context = site("nohost");
      const own = provider("home");
      await own.ensureShared(context, shared);
      const huge = { size: "g1.huge" };
      await own.create(context, [request("nohost-home-worker-1", huge)]);
      await own.create(context, [request("nohost-home-worker-2", { ...huge, disk: { sizeGiB: 2 } })]);
      const failed = await settled(context, own);
      expect(failed.map(({ status, fault }) => ({ status, fault }))).toEqual([
        { status: "failed", fault: "No valid host was found." },
        { status: "failed", fault: "No valid host was found." },
      ]);
      await own.delete(context, failed);
      await clean(context);
      expect((await home.leftovers()).volumes).toEqual([]);
    });

    it("puts machines into several networks, at an address that was asked for, apart from each other", async () => {
      const context = site("apart");
      const watched = watchFetch();
      const own = provider("home", {
        network: ["storage", "homenet"],
        antiAffinity: "soft",
        fetch: watched.fetch,
      });
      const fixedIps = { "apart-home-worker-1": "10.30.77.7" };
      const both = [1, 2].map((n) =>
        request(`apart-home-worker-${n}`, {
          size: "g1.small",
          image: "os_distro=debian",
          providerOptions: { fixedIps },
        }),
      );
      const names = both.map((machine) => machine.name);
      expect(await own.check(context, { machines: both, toCreate: names })).toEqual({
        problems: [],
        warnings: [],
      });
      await own.ensureShared(context, shared);
      await Promise.all(both.map((machine) => own.create(context, [machine])));
      const made = await settled(context, own);
      expect(made.map(({ status, fault }) => fault ?? status)).toEqual(["running", "running"]);
      expect(made[0]!.privateAddress).toBe("10.30.77.7");

      const images = await home.all("image", "/images?limit=2", "images");
      const debian = images.find((image) => image.name === "debian-12")!;
      const servers = await home.all("compute", "/servers/detail?name=apart-", "servers");
      for (const server of servers) {
        expect(Object.keys(server.addresses as object).sort()).toEqual(["homenet", "storage"]);
        expect((server.image as { id: string }).id).toBe(debian.id);
      }
      const groups = (await home.call("compute", "GET", "/os-server-groups")).data.server_groups;
      expect(groups).toEqual([
        expect.objectContaining({
          name: "multicloud:apart/home workers soft-anti-affinity",
          policy: "soft-anti-affinity",
          members: expect.arrayContaining(made.map(({ id }) => id)),
        }),
      ]);

      const writes = watched.writes();
      await provider("home", { fetch: watched.fetch, antiAffinity: "soft" }).create(context, both);
      expect(watched.writes()).toBe(writes);
      await own.create(context, [
        request("apart-home-worker-3", { ...both[0], name: "apart-home-worker-3" }),
      ]);
      await clean(context);
    });

    it("gives machines floating IPs that go with them, wherever a run is cut off", async () => {
      const context = site("float", "cellar");
      const more = { floatingIp: "internet", network: "homenet" };
      const names = ["float-home-worker-1", "float-home-worker-2"];
      const machines = names.map((node) => shape(node, { size: "g1.small" }));
      const whole = watchFetch();
      const own = provider("cellar", { ...more, fetch: whole.fetch });
      const { problems } = await own.check(context, { machines, toCreate: names });
      expect(problems.map(({ message }) => message)).toEqual(["needs 2 floating IPs, quota leaves 1"]);
      const misspelt = await provider("cellar", { ...more, floatingIp: "internat" }).check(context, {
        machines,
        toCreate: [],
      });
      expect(misspelt.problems).toEqual([
        expect.objectContaining({ path: "provider.floatingIp", suggestion: "internet" }),
      ]);

      await own.ensureShared(context, shared);
      const before = whole.writes();
      await own.create(context, [small(names[0]!)]);
      // A port, a floating IP, a server.
      expect(whole.writes() - before).toBe(3);
      const [first] = await until(
        () => own.list(context),
        ([machine]) => machine?.publicAddress !== undefined || machine?.status === "failed",
      );
      expect(first).toMatchObject({
        status: "running",
        publicAddress: expect.stringMatching(/^203\.0\.113\./),
        privateAddress: expect.stringMatching(/^10\.20\./),
      });
      expect(await failure(own.create(context, [small(names[1]!)]))).toMatchObject({
        code: "QUOTA_EXCEEDED",
        service: "neutron",
        node: names[1],
      });

      let made = first!;
      // Taken away with a cut after each change: the floating IP, the port, the server.
      for (let step = 1; step <= 3; step++) {
        const controller = new AbortController();
        const { fetch } = watchFetch((n) => {
          if (n !== step) return;
          controller.abort(new Error("cut off"));
          throw controller.signal.reason;
        });
        const cut = { ...context, signal: controller.signal };
        await expect(provider("cellar", { ...more, fetch }).delete(cut, [made])).rejects.toThrow("cut off");
        await provider("cellar").delete(context, await provider("cellar").list(context));
        await until(
          () => cellar.leftovers(),
          (left) => left.servers.length === 0,
        );
        const left = await cellar.leftovers();
        expect(left.floatingIps).toEqual([]);
        // What was made for the machine that the quota refused is taken away last.
        expect(left.ports).toEqual([names[1]]);
        if (step === 3) break;
        await own.create(context, [small(names[0]!)]);
        made = (await settled(context, own))[0]!;
      }
      await clean(context, "cellar", cellar);
      expect(await cellar.leftovers()).toEqual(nothing);
    });

    it("notices that a machine was deleted behind its back, and makes it again", async () => {
      const context = site("gone");
      const own = provider("home");
      await own.ensureShared(context, shared);
      await own.create(context, [small("gone-home-worker-1")]);
      const [machine] = await settled(context, own);
      expect((await home.call("compute", "DELETE", `/servers/${machine!.id}`)).status).toBe(204);
      await until(
        () => own.list(context),
        (all) => all.length === 0,
      );
      await own.delete(context, [machine!]);
      await own.create(context, [small("gone-home-worker-1")]);
      const [again] = await settled(context, own);
      expect(again).toMatchObject({ name: machine!.name, status: "running" });
      expect(again!.id).not.toBe(machine!.id);
      await clean(context);
    });

    it("is finished by the next run wherever a run was cut off", async () => {
      const requests = [withDisk("cut-home-worker-1"), small("cut-home-worker-2")];
      const context = site("cut");
      const run = async (call: SiteContext, own: ReturnType<typeof provider>) => {
        await own.ensureShared(call, shared);
        for (const machine of requests) await own.create(call, [machine]);
      };
      const whole = watchFetch();
      await run(context, provider("home", { fetch: whole.fetch }));
      await settled(context);
      await clean(context);
      // The security group, its rules at once, the key pair, two servers.
      expect(whole.writes()).toBe(5);
      for (let step = 1; step <= whole.writes(); step++) {
        const controller = new AbortController();
        const { fetch } = watchFetch((n) => {
          if (n !== step) return;
          controller.abort(new Error("cut off"));
          throw controller.signal.reason;
        });
        const cut = run({ ...context, signal: controller.signal }, provider("home", { fetch }));
        await expect(cut).rejects.toThrow("cut off");
        await run(context, provider("home"));
        expect((await settled(context)).map((machine) => machine.name)).toEqual(
          requests.map((machine) => machine.name),
        );
        const left = await home.leftovers();
        expect(left).toMatchObject({
          servers: ["cut-home-worker-1", "cut-home-worker-2"],
          securityGroups: ["multicloud-cut-home"],
          keypairs: ["multicloud-cut-home"],
        });
        expect([left.ports.length, left.volumes.length]).toEqual([2, 1]);
        await clean(context);
      }
    });

    it("makes many machines with calls by the machine, and looks at them by the page", async ({ skip }) => {
      if (cloud.many === 0) skip("this run has no time for it");
      const context = site("many");
      const watched = watchFetch();
      const own = provider("home", { fetch: watched.fetch });
      const names = Array.from({ length: cloud.many }, (_, n) => `many-home-worker-${n + 1}`);
      const machines = names.map((node) => shape(node, { size: "g1.small" }));
      const started = performance.now();
      await own.check(context, { machines, toCreate: names });
      const planned = watched.lap();
      await own.ensureShared(context, shared);
      const waiting = [...names];
      const work = async () => {
        for (let node = waiting.shift(); node; node = waiting.shift())
          await own.create(context, [small(node)]);
      };
      await Promise.all([1, 2, 3, 4, 5, 6].map(work));
      const created = watched.lap();
      const made = await settled(context);
      const seconds = (performance.now() - started) / 1000;
      expect(made.filter(({ status }) => status === "running")).toHaveLength(cloud.many);
      watched.lap();
      await own.list(context);
      const look = watched.lap();
      await own.check(context, { machines, toCreate: [] });
      const unchanged = watched.lap();
      console.log(
        `${cloud.many} machines: check ${planned} calls, shared and create ${created}, one look ${look}, check with no change ${unchanged}; all running after ${seconds.toFixed(0)} s`,
      );
      // One more after the last full page.
      expect(look).toBe(Math.floor(cloud.many / cloud.homePageSize) + 1);
      expect(unchanged).toBeLessThan(30);
      expect(created).toBeLessThan(2 * cloud.many + 30);
      await clean(context);
    });

    it("leaves nothing behind", async () => {
      for (const raw of [home, attic, cellar]) {
        const left = await until(
          () => raw.leftovers(),
          ({ servers, ports, volumes }) => servers.length + ports.length + volumes.length === 0,
        );
        expect(left).toEqual(nothing);
      }
    });
  });
}
