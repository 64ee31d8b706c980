import type { ApiObject } from "../../testing/src/kubernetes/api-object.js";
import { ApiError } from "../../testing/src/kubernetes/api-status.js";
import { createObjectStore } from "../../testing/src/kubernetes/object-store.js";
import { handle } from "../../testing/src/kubernetes/request-handler.js";
import type { World } from "../../testing/src/world/world.js";
import type { ApiAnswer, KubernetesCalls } from "../src/agent/kubernetes-api.js";

/** The emulated API server with its validation and RBAC, called without a connection: minutes of many agents are thousands of calls. */
export interface DirectApi extends Pick<KubernetesCalls, "call"> {
  readonly calls: readonly { readonly method: string; readonly status: number }[];
  seed(object: ApiObject): void;
  objects(kind: string): readonly ApiObject[];
}

/** @param user whom all calls are made as */
export function directApi(world: World, user: string): DirectApi {
  const now = () => world.clock.now();
  const store = createObjectStore(now);
  const { clock, effects } = world;
  const parts = { store, effects, clock, now, allocateIp: () => "10.43.0.9", version: () => "v1.32.13" };
  const calls: { method: string; status: number }[] = [];

  async function answer(method: string, target: string, body: unknown): Promise<ApiAnswer> {
    const url = new URL(target, "https://kubernetes");
    try {
      const result = await handle(
        parts,
        {
          method,
          path: url.pathname,
          query: url.searchParams,
          contentType: body === undefined ? "" : "application/json",
          userAgent: "agent",
          body: structuredClone(body),
          user: { name: user, groups: ["system:authenticated"] },
        },
        "application/json",
      );
      if ("start" in result) throw new Error("the agent watches nothing");
      return { status: result.status, body: structuredClone(result.body) };
    } catch (error) {
      if (error instanceof ApiError) return { status: error.code, body: error.body() };
      throw error;
    }
  }

  return {
    calls,
    async call(method, path, body) {
      const result = await answer(method, path, body);
      calls.push({ method, status: result.status });
      return result;
    },
    seed: (object) => void store.create(structuredClone(object)),
    objects: (kind) =>
      store
        .types()
        .filter((type) => type.kind === kind)
        .flatMap((type) => store.list(type)),
  };
}
