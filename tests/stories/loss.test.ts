import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { authorizedMembers, errorOf, kubernetesOf, type Lab, openLab } from "./lab.js";

const shape = { home: [1, 0], ramnode: [1, 0], digitalocean: [1, 2] } as const;
let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await lab.cluster(shape).up();
});
afterAll(() => lab.close());

// One cluster loses more and more.
test("status() asks another master when the one in the kubeconfig is gone", async () => {
  for (const lost of ["lab-ramnode-master-1", "lab-digitalocean-master-1"]) {
    const mend = lab.world.machines.fault(lost, "unreachable");
    const { api, nodes } = await lab.cluster(shape).status();
    mend();
    expect(api, lost).toBe("answers");
    expect(nodes.length).toBe(5);
  }
});

test("the nodes of a site without power are not ready, and are again when it is back", async () => {
  const readiness = async () => {
    const { nodes } = await lab.cluster(shape).status();
    return nodes.filter(({ ready }) => !ready).map(({ name }) => name);
  };
  const patient = { timeout: 30_000 };
  expect(await readiness()).toEqual([]);
  lab.setPower("home", false);
  await vi.waitFor(async () => expect(await readiness()).toEqual(["lab-home-master-1"]), patient);
  lab.setPower("home", true);
  await vi.waitFor(async () => expect(await readiness()).toEqual([]), patient);
});

test("a node is drained and removed also while that master is gone for good", async () => {
  await deleteDroplet("lab-digitalocean-master-1");
  const { plan, nodes } = await lab.cluster({ ...shape, digitalocean: [1, 1] }).up();
  expect(plan.counts).toEqual({ create: 1, replace: 0, delete: 1, keep: 3 });
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true, true, true]);
});

test("a site that is lost for good is taken out once its machines are told to be gone", async () => {
  const ramnode = lab.services.openstacks.find(({ name }) => name === "ramnode")!;
  for (const { id } of ramnode.list().servers) ramnode.removeServer(id);
  for (const name of ["keystone", "nova", "neutron", "glance", "cinder"])
    lab.world.faults.add({ service: `ramnode/${name}`, reset: "before", times: 1_000 });

  const rest = { home: [1, 0], digitalocean: [1, 1] } as const;
  const error = await errorOf(lab.cluster(rest).up());
  expect(error.code).toBe("CONFIG_INVALID");
  expect(error.message).toContain('up({ forget: ["ramnode"] })');
  for (const [forget, message] of [
    ["ramnod", /forget\[0\].*ramnode/s],
    ["home", /forget\[0\].*is a site of the configuration/s],
  ] as const)
    expect(await errorOf(lab.cluster(rest).up({ forget: [forget] }))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(message),
    });

  const { nodes } = await lab.cluster(rest).up({ forget: ["ramnode"] });
  const names = ["lab-digitalocean-master-1", "lab-digitalocean-worker-1", "lab-home-master-1"];
  expect(nodes.map(({ name, ready }) => [name, ready]).sort()).toEqual(names.map((name) => [name, true]));
  expect((await kubernetesOf(lab, (api) => api.nodes())).map(({ name }) => name).sort()).toEqual(names);
  expect(authorizedMembers(lab)).toEqual(names);
  const effects = lab.effects.all.length;
  await lab.cluster(rest).up();
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("destroy() removes what it can reach, and the rest the next time", async () => {
  const rest = { home: [1, 0], digitalocean: [1, 1] } as const;
  lab.world.faults.add({ service: "digitalocean", method: "DELETE", status: 403, times: 1_000 });
  const error = await errorOf(lab.cluster(rest).destroy());
  expect(error).toMatchObject({ code: "FORBIDDEN", site: "digitalocean" });
  expect(lab.resources().filter((resource) => resource.startsWith("home"))).toEqual([]);
  expect(lab.resources().filter((resource) => resource.startsWith("digitalocean lab-")).length).toBe(2);
  lab.world.faults.clear();
  await lab.cluster(rest).destroy();
  // The cloud that nobody could ask kept what it had.
  expect(lab.resources().filter((resource) => !resource.startsWith("ramnode"))).toEqual([]);
});

/** Behind everybody's back. */
async function deleteDroplet(name: string): Promise<void> {
  const headers = { authorization: `Bearer ${lab.env.DIGITALOCEAN_TOKEN}` };
  const { id } = lab.services.digitalocean.list().droplets.find((droplet) => droplet.name === name)!;
  const answer = await fetch(`${lab.env.DIGITALOCEAN_API_URL}/v2/droplets/${id}`, {
    method: "DELETE",
    headers,
  });
  expect(answer.status).toBe(204);
}
