import { Agent, request } from "node:http";
import type { Duplex } from "node:stream";
import type { ContainerSpec } from "../docker/container.js";

/** A container to have on a host. */
export type WantedContainer = Pick<ContainerSpec, "image"> & Partial<ContainerSpec>;

/** Docker on one host, over one connection. */
export interface DockerClient {
  serverVersion(): Promise<string>;
  /** Runs a container of this name with exactly this content: kept when it is so, replaced when not. */
  ensure(name: string, wanted: WantedContainer): Promise<"kept" | "started">;
  /** Runs a container to its end, removes it and gives what it printed. */
  runJob(name: string, wanted: WantedContainer): Promise<{ code: number; logs: string }>;
  start(name: string, wanted: WantedContainer): Promise<void>;
  remove(name: string): Promise<void>;
  names(): Promise<readonly string[]>;
  /** What a container printed that does not run; `undefined` when it runs. */
  failureOf(name: string): Promise<string | undefined>;
  close(): void;
}

interface Inspected {
  readonly State: { readonly Running: boolean };
  readonly Config: {
    readonly Image: string;
    readonly Cmd: readonly string[];
    readonly Env: readonly string[];
  };
  readonly HostConfig: { readonly Binds: readonly string[] };
}

/** @param connect opens a stream to the daemon's socket */
export function createDockerClient(connect: () => Promise<Duplex>): DockerClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let stream: Duplex | undefined;
  // Node's agent treats whatever it is given as a socket.
  const nothing = () => {};
  (agent as unknown as { createConnection: unknown }).createConnection = (
    _options: unknown,
    callback: (error: Error | null, stream?: Duplex) => void,
  ) => {
    connect().then(
      (opened) => {
        stream = Object.assign(opened, {
          setKeepAlive: nothing,
          setNoDelay: nothing,
          setTimeout: nothing,
          ref: nothing,
          unref: nothing,
        });
        callback(null, stream);
      },
      (error: Error) => callback(error),
    );
  };

  function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers =
        text === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
      const outgoing = request(
        { agent, host: "docker", method, path: `/v1.24${path}`, headers },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
          );
        },
      );
      outgoing.on("error", reject);
      outgoing.end(text);
    });
  }

  async function expect(method: string, path: string, body: unknown, ...statuses: number[]): Promise<string> {
    const answer = await call(method, path, body);
    if (statuses.includes(answer.status)) return answer.body;
    const { message } = JSON.parse(answer.body || "{}") as { message?: string };
    throw new Error(`Error response from daemon: ${message ?? answer.status}`);
  }

  async function inspect(name: string): Promise<Inspected | undefined> {
    const { status, body } = await call("GET", `/containers/${name}/json`);
    return status === 404 ? undefined : (JSON.parse(body) as Inspected);
  }

  async function pull(image: string): Promise<void> {
    const { status } = await call("GET", `/images/${encodeURIComponent(image)}/json`);
    if (status === 200) return;
    const at = image.lastIndexOf(":");
    const query = new URLSearchParams({ fromImage: image.slice(0, at), tag: image.slice(at + 1) });
    await expect("POST", `/images/create?${query}`, undefined, 200);
  }

  async function start(name: string, wanted: WantedContainer): Promise<void> {
    await pull(wanted.image);
    const body = {
      Image: wanted.image,
      Cmd: wanted.command ?? [],
      Env: environmentOf(wanted),
      Labels: wanted.labels ?? {},
      HostConfig: {
        Binds: wanted.binds ?? [],
        NetworkMode: "host",
        RestartPolicy: { Name: wanted.restart ? "always" : "" },
      },
    };
    await expect("POST", `/containers/create?name=${name}`, body, 201);
    await expect("POST", `/containers/${name}/start`, undefined, 204, 304);
  }

  const remove = async (name: string) => {
    await expect("DELETE", `/containers/${name}?force=1&v=1`, undefined, 204, 404);
  };

  return {
    async serverVersion() {
      const info = JSON.parse(await expect("GET", "/info", undefined, 200)) as { ServerVersion: string };
      return info.ServerVersion;
    },
    async ensure(name, wanted) {
      const present = await inspect(name);
      if (present && isSame(present, wanted)) {
        if (present.State.Running) return "kept";
        await expect("POST", `/containers/${name}/start`, undefined, 204, 304);
        return "started";
      }
      if (present) await remove(name);
      await start(name, wanted);
      return "started";
    },
    async runJob(name, wanted) {
      await remove(name);
      await start(name, wanted);
      const { StatusCode } = JSON.parse(await expect("POST", `/containers/${name}/wait`, undefined, 200)) as {
        StatusCode: number;
      };
      const logs = await expect("GET", `/containers/${name}/logs?stdout=1`, undefined, 200);
      await remove(name);
      return { code: StatusCode, logs };
    },
    start,
    remove,
    async names() {
      const listed = JSON.parse(await expect("GET", "/containers/json?all=1", undefined, 200)) as {
        Names: string[];
      }[];
      return listed.map(({ Names }) => (Names[0] ?? "").slice(1));
    },
    async failureOf(name) {
      if ((await inspect(name))?.State.Running) return undefined;
      return expect("GET", `/containers/${name}/logs?stdout=1`, undefined, 200);
    },
    close() {
      agent.destroy();
      stream?.destroy();
    },
  };
}

function environmentOf(wanted: WantedContainer): string[] {
  return Object.entries(wanted.environment ?? {}).map(([name, value]) => `${name}=${value}`);
}

function isSame(present: Inspected, wanted: WantedContainer): boolean {
  const { Image, Cmd, Env } = present.Config;
  const one = [Image, Cmd, Env, present.HostConfig.Binds];
  const other = [wanted.image, wanted.command ?? [], environmentOf(wanted), wanted.binds ?? []];
  return JSON.stringify(one) === JSON.stringify(other);
}
