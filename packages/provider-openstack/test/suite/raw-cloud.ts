import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { Leftovers } from "./cloud-under-test.js";

type Json = Readonly<Record<string, unknown>>;
type Service = "compute" | "network" | "image" | "volumev3";

/** The cloud seen without the client that is under test: its own login, no retries, no marks. */
export interface RawCloud {
  readonly token: string;
  readonly projectId: string;
  call(
    service: Service,
    method: string,
    path: string,
    more?: { readonly body?: unknown; readonly token?: string },
  ): Promise<{ readonly status: number; readonly data: Json }>;
  /** All items of a collection. */
  all(service: Service, path: string, key: string): Promise<readonly Json[]>;
  /** Makes a token invalid. */
  revoke(token: string): Promise<void>;
  leftovers(): Promise<Leftovers>;
}

/** Logs in to an entry of a `clouds.yaml` by its password. */
export async function openRaw(cloudsFile: string, name: string): Promise<RawCloud> {
  const { clouds } = parse(await readFile(cloudsFile, "utf8"));
  const { auth, region_name: region } = clouds[name];
  const keystone = String(auth.auth_url).replace(/\/(v3\/?)?$/, "/v3");
  const domain = { name: "Default" };
  const answer = await fetch(`${keystone}/auth/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ["password"],
          password: { user: { name: auth.username, password: auth.password, domain } },
        },
        scope: { project: { name: auth.project_name, domain } },
      },
    }),
  });
  const token = answer.headers.get("x-subject-token")!;
  const { token: details } = (await answer.json()) as {
    token: {
      project: { id: string };
      catalog: { type: string; endpoints: { interface: string; region_id: string; url: string }[] }[];
    };
  };

  function urlOf(service: Service): string {
    const entry = details.catalog.find((other) => other.type === service)!;
    const { url } = entry.endpoints.find(
      (endpoint) => endpoint.interface === "public" && endpoint.region_id === (region ?? endpoint.region_id),
    )!;
    return ({ network: `${url}/v2.0`, image: `${url}/v2` } as Record<string, string>)[service] ?? url;
  }

  const call: RawCloud["call"] = async (service, method, path, more = {}) => {
    const response = await fetch(`${urlOf(service)}${path}`, {
      method,
      headers: {
        "x-auth-token": more.token ?? token,
        "content-type": "application/json",
        ...(service === "compute" ? { "openstack-api-version": "compute 2.67" } : {}),
      },
      ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
    });
    const text = await response.text();
    return { status: response.status, data: text.startsWith("{") ? JSON.parse(text) : {} };
  };

  const all: RawCloud["all"] = async (service, path, key) => {
    const items: Json[] = [];
    for (;;) {
      const marker = items.at(-1)?.id;
      const separator = path.includes("?") ? "&" : "?";
      const page = await call(service, "GET", marker ? `${path}${separator}marker=${marker}` : path);
      if (page.status !== 200) throw new Error(`${path}: ${page.status} ${JSON.stringify(page.data)}`);
      const found = page.data[key] as Json[];
      items.push(...found);
      const linked = page.data[`${key}_links`] ?? page.data[`${key.replace(/s$/, "")}_links`];
      if (found.length === 0 || !linked) return items;
    }
  };

  const named = (items: readonly Json[]) => items.map((item) => String(item.name || item.id)).sort();

  return {
    token,
    projectId: details.project.id,
    call,
    all,
    async revoke(other) {
      await fetch(`${keystone}/auth/tokens`, {
        method: "DELETE",
        headers: { "x-auth-token": token, "x-subject-token": other },
      });
    },
    async leftovers() {
      const own = `project_id=${details.project.id}`;
      const keypairs = (await call("compute", "GET", "/os-keypairs")).data.keypairs as { keypair: Json }[];
      const groups = (await call("compute", "GET", "/os-server-groups")).data.server_groups as Json[];
      const security = await all("network", `/security-groups?${own}`, "security_groups");
      return {
        servers: named(await all("compute", "/servers/detail", "servers")),
        ports: named(await all("network", `/ports?${own}`, "ports")),
        volumes: named(await all("volumev3", "/volumes/detail", "volumes")),
        securityGroups: named(security).filter((group) => group !== "default"),
        keypairs: named(keypairs.map((item) => item.keypair)),
        floatingIps: named(await all("network", `/floatingips?${own}`, "floatingips")),
        serverGroups: named(groups),
      };
    },
  };
}
