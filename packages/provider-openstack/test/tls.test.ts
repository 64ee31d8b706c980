import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { stringify } from "yaml";
import { createAuthority, issue } from "../../testing/src/rke/certificates/authority.js";
import { createOpenStackClient } from "../src/client/index.js";
import { openstack } from "../src/index.js";
import { createContext, createTestWorld, startCloud } from "./sandbox.js";

/** A cloud whose Keystone is behind TLS with a certificate of a private authority. */
async function startTlsCloud() {
  const cloud = await startCloud(createTestWorld());
  const authority = await createAuthority("authority of the test");
  const { certPem, keyPem } = await issue(authority, { commonName: "keystone", names: ["127.0.0.1"] });
  const server = createServer({ cert: certPem, key: keyPem }, async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const answer = await fetch(new URL(incoming.url!, cloud.authUrl), {
      method: incoming.method!,
      headers: { "content-type": "application/json" },
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    });
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
    outgoing.end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = await mkdtemp(join(tmpdir(), "multicloud-openstack-"));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const cacert = join(folder, "ca.pem");
  await writeFile(cacert, authority.certPem);
  const { auth } = cloud.cloudsYaml;
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/v3`;
  const cloudsFile = join(folder, "clouds.yaml");
  const entry = (more: object) => ({ ...cloud.cloudsYaml, auth: { ...auth, auth_url: url }, ...more });
  const clouds = {
    plain: entry({}),
    trusting: entry({ cacert }),
    careless: entry({ verify: false }),
    lost: entry({ cacert: join(folder, "nosuch.pem") }),
  };
  await writeFile(cloudsFile, stringify({ clouds }));
  return {
    cloudsFile,
    client: (cloud: string) => createOpenStackClient({ cloud, cloudsFile, backoffMs: 1 }),
  };
}

it("refuses a certificate that nobody vouches for", async () => {
  const { client } = await startTlsCloud();
  await expect(client("plain").authorize(createContext())).rejects.toMatchObject({
    code: "SERVICE_UNREACHABLE",
    service: "keystone",
  });
});

it("trusts the authority that the cloud names", async () => {
  const { client } = await startTlsCloud();
  const context = createContext();
  const trusting = client("trusting");
  expect(await trusting.nova.listServers(context)).toEqual([]);
  expect((await trusting.settings()).warnings).toEqual([]);
});

it("trusts anyone when told to, and warns of it in the run and in the check", async () => {
  const { client, cloudsFile } = await startTlsCloud();
  const context = createContext();
  expect(await client("careless").nova.listServers(context)).toEqual([]);
  const warned = context.reports.filter((report) => report.type === "log" && report.level === "warn");
  expect(warned).toEqual([expect.objectContaining({ message: expect.stringContaining("verify: false") })]);
  const provider = openstack({ cloud: "careless", cloudsFile });
  const { warnings } = await provider.check(context, { machines: [], toCreate: [] });
  expect(warnings).toEqual([expect.objectContaining({ message: expect.stringContaining("verify: false") })]);
});

it("says which file it cannot read", async () => {
  const { client } = await startTlsCloud();
  await expect(client("lost").authorize(createContext())).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringMatching(/cacert of cloud "lost" in .*nosuch\.pem/),
  });
});
