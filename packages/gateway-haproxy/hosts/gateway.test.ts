import { connect } from "node:net";
import { answersGreeting, tlsGreeting } from "@multicloud/core/plugin";
import { afterEach, expect, test, vi } from "vitest";
import { haproxyGateway } from "../src/index.js";
import {
  closeWorkers,
  freeHosts,
  gatewayOn,
  openClient,
  sh,
  siteContext,
  startWorker,
  visit,
  type Worker,
  withMachine,
} from "./gateway-lab.js";
import { underLoad, untilHealthy } from "./visitors.js";

const context = siteContext();
const config = "/etc/haproxy/haproxy.cfg";
const record = "/etc/multicloud/haproxy-gateway.json";

afterEach(closeWorkers);

function freshHost(): string {
  const address = freeHosts.shift();
  if (!address) throw new Error("more tests than hosts: start more of them in with-gateways.sh");
  return address;
}

const nodesOf = (...workers: Worker[]) => workers.map(({ node }) => node);

/** Everything that a write would change. */
const traces = (address: string) =>
  sh(address, `stat -c '%n %i %y' /etc/haproxy/* /etc/multicloud/* /var/log/systemctl.log; md5sum ${config}`);

test("installs HAProxy, passes traffic to all workers, writes nothing twice, and goes without a trace", async () => {
  const address = freshHost();
  const gateway = gatewayOn(address);
  const workers = [await startWorker(), await startWorker(), await startWorker()];
  expect(await gateway.check(context)).toEqual({ problems: [], warnings: [] });
  expect(await gateway.find?.(context)).toBeUndefined();
  expect(await gateway.ensure(context, nodesOf(...workers))).toEqual({ changed: true });

  await untilHealthy(gateway, 3);
  for (const port of [80, 443]) {
    const answers = await Promise.all(Array.from({ length: 12 }, () => visit(address, port)));
    expect(new Set(answers)).toEqual(new Set(workers.map(({ node }) => `${node.name}:${port}`)));
  }
  await expect(visit(address, 8404)).rejects.toThrow();
  await expect(visit(address, 6443)).rejects.toThrow();

  const before = await traces(address);
  expect(await gateway.ensure(context, nodesOf(...workers).reverse())).toEqual({ changed: false });
  expect((await gateway.check(context)).problems).toEqual([]);
  expect(await gateway.publicAddress(context)).toBe("203.0.113.7");
  expect(await traces(address)).toBe(before);

  await gateway.remove(context);
  expect(
    await sh(address, "ls /etc/multicloud /etc/haproxy; command -v haproxy; systemctl is-active haproxy"),
  ).toMatch(/inactive/);
  expect(await sh(address, "command -v haproxy || echo gone")).toBe("gone");
  expect(await sh(address, `ls ${record} ${config} 2> /dev/null || echo gone`)).toBe("gone");
  await expect(visit(address, 443)).rejects.toThrow("ECONNREFUSED");
  await gateway.remove(context);

  // What was removed can be made again.
  expect(await gateway.ensure(context, nodesOf(...workers))).toEqual({ changed: true });
  await untilHealthy(gateway, 3);
  await gateway.remove(context);
});

test("a worker dies and comes back: visitors are sent to the others", async () => {
  const address = freshHost();
  const gateway = gatewayOn(address, { workerPorts: { http: 80, https: 443 } });
  const workers = [await startWorker(), await startWorker(), await startWorker()] as const;
  await gateway.ensure(context, nodesOf(...workers));
  await untilHealthy(gateway, 3);
  const { errors, answers } = await underLoad(address, async (visits) => {
    await workers[1].die();
    await untilHealthy(gateway, 2);
    await visits(250);
    await workers[1].revive();
    await untilHealthy(gateway, 3);
    await visits(250);
  });
  // Only visits that the dying worker had taken may break; a refused connection goes to another worker.
  expect(errors.length).toBeLessThanOrEqual(16);
  expect(answers.size).toBe(3);
  const state = await gateway.find?.(context);
  expect(state?.backends.map(({ node, healthy }) => [node, healthy])).toEqual(
    workers.map(({ node }) => [node.name, true]).sort(),
  );
});

test("with all workers dead it takes connections still, but answers no greeting: so the site is seen as lost", async () => {
  const address = freshHost();
  const gateway = gatewayOn(address);
  const worker = await startWorker();
  await gateway.ensure(context, nodesOf(worker));
  await untilHealthy(gateway, 1);
  const greeting = await tlsGreeting("app.example.com");
  const answers = async () => answersGreeting(connect(443, address), greeting, AbortSignal.timeout(60_000));
  expect(await answers()).toBe(true);
  await worker.die();
  await untilHealthy(gateway, 0);
  await expect(openClient(address, 443)).resolves.toBeDefined();
  expect(await answers()).toBe(false);
});

test("scaling up and down under load: reloads drop nothing, and a long connection outlives them", async () => {
  const address = freshHost();
  const gateway = gatewayOn(address);
  const workers = [await startWorker(), await startWorker(), await startWorker(), await startWorker()];
  const [a, b, c, d] = workers as [Worker, Worker, Worker, Worker];
  await gateway.ensure(context, nodesOf(a, b));
  await untilHealthy(gateway, 2);
  const long = await openClient(address, 443);
  const first = await long.say("hello");
  let reloads = 0;
  const { errors, answers, total } = await underLoad(address, async (visits) => {
    for (const nodes of [
      nodesOf(a, b, c),
      nodesOf(a, b, c, d),
      nodesOf(c, d),
      nodesOf(d),
      nodesOf(a, b, c, d),
    ]) {
      expect(await gateway.ensure(context, nodes)).toEqual({ changed: true });
      reloads += 1;
      await untilHealthy(gateway, nodes.length);
      await visits(300);
    }
  });
  process.stdout.write(`  ${total} visits during ${reloads} reloads, ${errors.length} failed\n`);
  expect(errors).toEqual([]);
  expect(total).toBeGreaterThan(1000);
  expect(answers.size).toBe(4);
  expect(await long.say("still there?")).toBe("still there?");
  expect(first).toMatch(/^lab-home-worker-\d+:443$/);
  long.close();
});

test("tells workers the visitor's address by the PROXY protocol, and passes 6443 to masters", async () => {
  const address = freshHost();
  const worker = await startWorker();
  const master = await startWorker("master");
  const gateway = gatewayOn(address, { proxyProtocol: true, api: true });
  await gateway.ensure(context, nodesOf(worker, master));
  await untilHealthy(gateway, 1);
  expect(await visit(address, 443)).toBe(`${worker.node.name}:443`);
  const header = worker.received.at(-1)!;
  // Version 2: 12 bytes of signature, version and command, family, length, then both addresses.
  expect(header.subarray(0, 12).toString("hex")).toBe("0d0a0d0a000d0a515549540a");
  expect([...header.subarray(16, 20)].join(".")).toBe("10.77.0.1");
  expect([...header.subarray(20, 24)].join(".")).toBe(address);
  expect(header.subarray(-5).toString()).toBe("hello");
  await vi.waitFor(async () => expect(await visit(address, 6443)).toBe(`${master.node.name}:6443`), {
    interval: 100,
    timeout: 60_000,
  });
});

test("a configuration that was there is not touched, taken over when told to, and put back", async () => {
  const address = freshHost();
  const worker = await startWorker();
  const theirs = `# by hand\nlisten mine\n  mode tcp\n  bind :80\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n  server mine ${worker.node.privateAddress}:443\n`;
  await sh(
    address,
    `apt-get update > /dev/null && apt-get install -y haproxy > /dev/null 2>&1; printf '%s' '${theirs}' > ${config}; chmod 640 ${config}; systemctl enable haproxy; systemctl start haproxy`,
  );
  expect(await visit(address, 80)).toBe(`${worker.node.name}:443`);
  const before = await sh(address, `stat -c '%i %y %a' ${config}; md5sum ${config}; ls -a /etc /etc/haproxy`);
  const gateway = gatewayOn(address);
  expect((await gateway.check(context)).problems).toMatchObject([
    { path: "host", code: "CONFLICT", hint: expect.stringContaining("takeOver") },
  ]);
  await expect(gateway.ensure(context, nodesOf(worker))).rejects.toMatchObject({ code: "CONFLICT" });
  await gateway.remove(context);
  expect(await sh(address, `stat -c '%i %y %a' ${config}; md5sum ${config}; ls -a /etc /etc/haproxy`)).toBe(
    before,
  );

  const bold = gatewayOn(address, { takeOver: true });
  expect((await bold.check(context)).problems).toEqual([]);
  expect(await bold.ensure(context, nodesOf(worker))).toEqual({ changed: true });
  await untilHealthy(bold, 1);
  expect(await visit(address, 80)).toBe(`${worker.node.name}:80`);
  expect(await sh(address, `cat ${config}.before-multicloud`)).toBe(theirs.trim());
  // Once it is ours, nobody needs to be bold.
  expect((await gateway.check(context)).problems).toEqual([]);

  // Another cluster cannot have it, however bold.
  const other = siteContext({ cluster: "other" });
  expect((await bold.check(other)).problems).toMatchObject([
    { code: "CONFLICT", message: expect.stringContaining("cluster lab") },
  ]);
  await expect(bold.ensure(other, nodesOf(worker))).rejects.toMatchObject({ code: "CONFLICT" });
  await bold.remove(other);
  expect(await visit(address, 80)).toBe(`${worker.node.name}:80`);

  // What somebody changed in ours is not overwritten either.
  await sh(address, `echo '# tuned' >> ${config}`);
  await expect(gateway.ensure(context, nodesOf(worker))).rejects.toMatchObject({
    code: "CONFLICT",
    message: expect.stringContaining("changed by somebody"),
  });
  await bold.ensure(context, nodesOf(worker));
  expect(await sh(address, `tail -n 1 ${config}.multicloud-edited`)).toBe("# tuned");

  await gateway.remove(context);
  // A reload has the old process answer for another moment.
  await vi.waitFor(async () => expect(await visit(address, 80)).toBe(`${worker.node.name}:443`), {
    interval: 100,
    timeout: 60_000,
  });
  expect(await sh(address, `cat ${config}`)).toBe(theirs.trim());
  expect(await sh(address, "systemctl is-enabled haproxy; systemctl is-active haproxy")).toBe(
    "enabled\nactive",
  );
  expect(await sh(address, `stat -c %a ${config}; ls ${record} 2> /dev/null || echo gone`)).toBe("640\ngone");
});

test("a port that somebody else holds is told, and the next run mends it", async () => {
  const address = freshHost();
  const worker = await startWorker();
  const gateway = gatewayOn(address);
  const held = `python3 -c 'import socket; socket.create_connection(("127.0.0.1", 80))' 2> /dev/null`;
  await sh(
    address,
    `setsid python3 -m http.server 80 > /dev/null 2>&1 < /dev/null & echo $! > /run/squatter; until ${held}; do sleep 0.1; done`,
  );
  await expect(gateway.ensure(context, nodesOf(worker))).rejects.toMatchObject({
    code: "REMOTE_COMMAND_FAILED",
    hint: expect.stringContaining("port 80"),
  });
  await sh(address, `kill $(cat /run/squatter); while ${held}; do sleep 0.1; done`);
  expect(await gateway.ensure(context, nodesOf(worker))).toEqual({ changed: true });
  await untilHealthy(gateway, 1);
});

test("cut off anywhere, the same call converges, and the removal too", async () => {
  const address = freshHost();
  const workers = [await startWorker(), await startWorker()] as const;
  const gateway = gatewayOn(address);
  const cut = (work: (signal: AbortSignal) => Promise<unknown>, ms: number) =>
    work(AbortSignal.timeout(ms)).then(
      () => false,
      () => true,
    );
  let cuts = 0;
  for (const ms of [150, 300, 500, 900, 1500, 2500]) {
    if (await cut((signal) => gateway.ensure(siteContext({ signal }), nodesOf(...workers)), ms)) cuts += 1;
    await gateway.ensure(context, nodesOf(workers[0]));
    await untilHealthy(gateway, 1);
    if (
      await cut((signal) => gateway.ensure(siteContext({ signal }), nodesOf(...workers)), Math.round(ms / 3))
    )
      cuts += 1;
    await gateway.ensure(context, nodesOf(...workers));
    await untilHealthy(gateway, 2);
    if (await cut((signal) => gateway.remove(siteContext({ signal })), ms)) cuts += 1;
    await gateway.remove(context);
    expect(await sh(address, `ls ${record} ${config} 2> /dev/null; command -v haproxy || echo gone`)).toBe(
      "gone",
    );
  }
  expect(cuts).toBeGreaterThan(4);
});

test("on a machine that the provider made it does the same, over the connection that it is given", async () => {
  const address = freshHost();
  const gateway = haproxyGateway({ machine: { size: "small", image: "debian-12" }, publicAddress: "auto" });
  const worker = await startWorker();
  await withMachine(address, async (made) => {
    expect(await gateway.check(made)).toEqual({ problems: [], warnings: [] });
    expect(await gateway.find?.(made)).toBeUndefined();
    expect(await gateway.ensure(made, nodesOf(worker))).toEqual({ changed: true });
    // Its cloud knows, so nobody else is asked.
    expect(await gateway.publicAddress(made)).toBe("198.51.100.20");
    await vi.waitFor(async () => expect(await visit(address, 443)).toBe(`${worker.node.name}:443`), 60_000);
    const before = await traces(address);
    expect(await gateway.ensure(made, nodesOf(worker))).toEqual({ changed: false });
    expect(await traces(address)).toBe(before);
    await sh(address, `echo '# tuned' >> ${config}`);
    expect((await gateway.check(made)).problems).toMatchObject([{ path: "machine", code: "CONFLICT" }]);
  });
});
