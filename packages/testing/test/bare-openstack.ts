import { onTestFinished } from "vitest";
import { createOpenStack } from "../src/openstack/openstack-cloud.js";
import type { OpenStackOptions } from "../src/openstack/options.js";
import { createClock } from "../src/world/clock.js";
import { createEffects } from "../src/world/effects.js";
import { createFaults } from "../src/world/faults.js";
import type { Machines } from "../src/world/machines.js";
import { createNetwork } from "../src/world/network-fabric.js";
import { instantTiming, type Timing } from "../src/world/timing.js";
import type { World } from "../src/world/world.js";

export type Json = Record<string, unknown>;

export interface Thing extends Json {
  readonly id: string;
}

/** What the tests read of the answers' JSON; each answer has some of it. */
export interface Body extends Json {
  readonly token: {
    readonly catalog: { readonly type: string; readonly endpoints: { readonly url: string }[] }[];
  };
  readonly flavors: Thing[];
  readonly images: Thing[];
  readonly networks: Thing[];
  readonly ports: Thing[];
  readonly servers: (Thing & { readonly name: string })[];
  readonly servers_links: { readonly href: string }[];
  readonly server: Thing & {
    readonly status: string;
    readonly addresses: { readonly net: Json[] };
    readonly "os-extended-volumes:volumes_attached": Thing[];
  };
  readonly security_group: Thing & { readonly security_group_rules: Thing[] };
  readonly floatingip: Thing;
  readonly badRequest: { readonly message: string };
  readonly NeutronError?: { readonly type: string };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

/** One request, as bare as a client could send it. */
export async function ask(
  method: string,
  url: string,
  options: { readonly token?: string; readonly body?: Json; readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(options.token ? { "x-auth-token": options.token } : {}), ...options.headers },
    ...(options.body ? { body: JSON.stringify(options.body) } : {}),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

/** The body of a login as alice. */
export function passwordBody(password: string): Json {
  const domain = { name: "Default" };
  return {
    auth: {
      identity: {
        methods: ["password"],
        password: { user: { name: "alice", domain, password } },
      },
      scope: { project: { name: "homelab", domain } },
    },
  };
}

/** A cloud of its own for one test, with alice logged in. */
export async function start(options: Partial<OpenStackOptions> = {}, timing: Partial<Timing> = {}) {
  const clock = createClock(0);
  const times = { ...instantTiming, ...timing };
  const world: World = {
    clock,
    effects: createEffects(),
    faults: createFaults(),
    timing: times,
    machines: { boot: () => ({}), destroy: () => {} } as unknown as Machines,
    network: createNetwork(clock, times),
  };
  const cloud = await createOpenStack(world, {
    name: "home",
    users: [{ name: "alice", password: "right-password", project: "homelab" }],
    networks: [{ name: "net", kind: "lan", cidr: "10.1.0.0/24" }],
    ...options,
  });
  onTestFinished(async () => {
    world.clock.stop();
    await cloud.close();
  });
  const login = await ask("POST", `${cloud.authUrl}/auth/tokens`, { body: passwordBody("right-password") });
  const token = login.headers.get("x-subject-token")!;
  const url = (type: string): string =>
    login.body.token.catalog.find((entry) => entry.type === type)!.endpoints[0]!.url;
  const nova = (method: string, path: string, body?: Json, version = "2.93") =>
    ask(method, `${url("compute")}${path}`, {
      token,
      headers: { "openstack-api-version": `compute ${version}` },
      ...(body ? { body } : {}),
    });
  const neutron = (method: string, path: string, body?: Json) =>
    ask(method, `${url("network")}/v2.0${path}`, { token, ...(body ? { body } : {}) });
  const flavors = (await nova("GET", "/flavors/detail")).body.flavors;
  const image = (await ask("GET", `${url("image")}/v2/images`, { token })).body.images[0]!;
  const network = (await neutron("GET", "/networks")).body.networks[0]!;
  const server = (more: Json = {}) => ({
    server: {
      name: "a",
      flavorRef: flavors[0]!.id,
      imageRef: image.id,
      networks: [{ uuid: network.id }],
      ...more,
    },
  });
  return { world, cloud, token, url, nova, neutron, server, image };
}
