import { createServer, type IncomingMessage, type Server } from "node:http";
import type { World } from "../../world/world.js";
import { isInRegistry } from "../images.js";
import type { Container, ContainerSpec } from "./container.js";
import type { DockerDaemon } from "./daemon.js";

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

// Containers that do one thing and are removed again; what they did is recorded as itself.
const jobs = /-port-(listener|checker)$|^cert-(deployer|fetcher)$|^kube-cleanup$/;

/** The part of the Docker Engine API (v1.24 to v1.41) that RKE uses, over one daemon. */
export function createDockerApi(daemon: DockerDaemon, world: World, serverVersion: string): Server {
  const record = (action: "create" | "delete", container: Container) =>
    jobs.test(container.name)
      ? undefined
      : world.effects.record({
          service: "docker",
          kind: "container",
          action,
          name: `${daemon.machine.spec.hostname}/${container.name}`,
        });

  function require(reference: string): Container {
    const container = daemon.find(decodeURIComponent(reference));
    if (!container) throw new Refusal(404, `No such container: ${reference}`);
    return container;
  }

  async function answer(
    method: string,
    path: string,
    query: URLSearchParams,
    body: unknown,
  ): Promise<Answer> {
    if (path === "/_ping") return { status: 200, body: "OK" };
    if (path === "/version") {
      return { status: 200, body: { Version: serverVersion, ApiVersion: "1.41", MinAPIVersion: "1.12" } };
    }
    if (path === "/info") {
      return { status: 200, body: { ServerVersion: serverVersion, Name: daemon.machine.spec.hostname } };
    }
    if (method === "POST" && path === "/images/create") {
      const image = `${query.get("fromImage") ?? ""}${query.has("tag") ? `:${query.get("tag")}` : ""}`;
      if (!isInRegistry(image)) throw new Refusal(404, `manifest for ${image} not found: manifest unknown`);
      daemon.images.add(image);
      return { status: 200, body: { status: `Status: Downloaded newer image for ${image}` } };
    }
    const image = /^\/images\/(.+)\/json$/.exec(path)?.[1];
    if (image !== undefined) {
      const name = decodeURIComponent(image);
      if (!daemon.images.has(name)) throw new Refusal(404, `No such image: ${name}`);
      return { status: 200, body: { Id: `sha256:${name}`, RepoTags: [name] } };
    }
    if (method === "GET" && path === "/containers/json") {
      const all = ["1", "true"].includes(query.get("all") ?? "");
      const listed = [...daemon.containers.values()].filter((one) => all || one.status === "running");
      return {
        status: 200,
        body: listed.map((one) => ({
          Id: one.id,
          Names: [`/${one.name}`],
          Image: one.spec.image,
          State: one.status,
        })),
      };
    }
    if (method === "POST" && path === "/containers/create") return create(query.get("name"), body);
    const match = /^\/containers\/([^/]+)(?:\/(json|start|stop|rename|wait|logs))?$/.exec(path);
    if (!match) throw new Refusal(404, "page not found");
    return act(method, require(match[1] ?? ""), match[2], query);
  }

  function create(name: string | null, body: unknown): Answer {
    if (name === null || !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) {
      throw new Refusal(400, `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
    }
    const spec = readSpec(body);
    const other = daemon.find(name);
    if (other) {
      throw new Refusal(
        409,
        `Conflict. The container name "/${name}" is already in use by container "${other.id}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    if (!daemon.images.has(spec.image)) throw new Refusal(404, `No such image: ${spec.image}`);
    return { status: 201, body: { Id: daemon.create(name, spec).id, Warnings: [] } };
  }

  async function act(
    method: string,
    container: Container,
    action: string | undefined,
    query: URLSearchParams,
  ): Promise<Answer> {
    switch (`${method} ${action ?? ""}`) {
      case "GET json":
        return { status: 200, body: describe(container) };
      case "GET logs":
        return { status: 200, body: container.logs };
      case "POST wait":
        return { status: 200, body: { StatusCode: container.exitCode } };
      case "POST start":
        if (container.status === "running") return { status: 304 };
        await daemon.start(container);
        await record("create", container);
        return { status: 204 };
      case "POST stop":
        if (container.status !== "running") return { status: 304 };
        daemon.stop(container);
        return { status: 204 };
      case "POST rename":
        container.name = query.get("name") ?? container.name;
        return { status: 204 };
      case "DELETE ": {
        const isForced = ["1", "true"].includes(query.get("force") ?? "");
        if (container.status === "running" && !isForced) {
          throw new Refusal(
            409,
            `You cannot remove a running container ${container.id}. Stop the container before attempting removal or force remove`,
          );
        }
        daemon.remove(container);
        await record("delete", container);
        return { status: 204 };
      }
      default:
        throw new Refusal(405, "method not allowed");
    }
  }

  return createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://docker");
    const path = url.pathname.replace(/^\/v1\.\d+(?=\/)/, "");
    readJson(request)
      .then((body) => answer(request.method ?? "GET", path, url.searchParams, body))
      .catch((error: unknown): Answer => {
        const status = error instanceof Refusal ? error.status : 500;
        return { status, body: { message: error instanceof Error ? error.message : String(error) } };
      })
      .then(({ status, body }) => {
        const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
        const type = typeof body === "string" ? "text/plain" : "application/json";
        response.writeHead(status, {
          ...(text && { "content-type": type }),
          ...(status === 204 || status === 304 ? {} : { "content-length": Buffer.byteLength(text) }),
        });
        response.end(text);
      });
  });
}

function readSpec(body: unknown): ContainerSpec {
  const given = (body ?? {}) as Record<string, unknown>;
  const host = (given.HostConfig ?? {}) as Record<string, unknown>;
  if (typeof given.Image !== "string" || given.Image === "") {
    throw new Refusal(400, "invalid reference format");
  }
  const strings = (value: unknown, name: string): string[] => {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    throw new Refusal(400, `json: cannot unmarshal into Go struct field ${name} of type []string`);
  };
  const policy = (host.RestartPolicy ?? {}) as { readonly Name?: string };
  if (!["", "no", "always", "unless-stopped", "on-failure"].includes(policy.Name ?? "")) {
    throw new Refusal(400, `invalid restart policy '${policy.Name}'`);
  }
  return {
    image: given.Image,
    command: strings(given.Cmd, "Config.Cmd"),
    environment: Object.fromEntries(
      strings(given.Env, "Config.Env").map((line) => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    ),
    binds: strings(host.Binds, "HostConfig.Binds"),
    restart: policy.Name === "always" || policy.Name === "unless-stopped",
    labels: (given.Labels ?? {}) as Record<string, string>,
  };
}

function describe(container: Container): unknown {
  const { spec, status, exitCode, id, name } = container;
  return {
    Id: id,
    Name: `/${name}`,
    State: { Status: status, Running: status === "running", ExitCode: exitCode },
    Config: {
      Image: spec.image,
      Cmd: spec.command,
      Env: Object.entries(spec.environment).map(([key, value]) => `${key}=${value}`),
      Labels: spec.labels,
    },
    HostConfig: { Binds: spec.binds },
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, `invalid JSON: ${(error as Error).message}`);
  }
}
