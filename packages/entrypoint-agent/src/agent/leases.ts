import type { KubernetesCalls } from "./kubernetes-api.js";

/** A Lease of coordination.k8s.io/v1, as far as it is read here. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  readonly version: string;
  readonly transitions: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly uid: string;
}

/** What is written into a Lease. */
export interface LeaseContent {
  readonly holder: string;
  readonly durationSeconds: number;
  readonly transitions: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** Time of day; for people only. */
  readonly date: Date;
  /** Makes Kubernetes delete the Lease with its owner. */
  readonly owner?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
  };
}

/** The leases of one agent's name in one namespace. */
export interface Leases {
  list(signal: AbortSignal): Promise<readonly Lease[]>;
  /** With a `version` only while the lease has that; without, only when there is none. `undefined`: somebody was faster. */
  write(
    name: string,
    content: LeaseContent,
    version: string | undefined,
    signal: AbortSignal,
  ): Promise<Lease | undefined>;
}

/** The API server refused something. */
export class RefusedError extends Error {
  constructor(
    readonly status: number,
    doing: string,
    body: unknown,
  ) {
    const said = (body as { readonly message?: string } | undefined)?.message ?? "no reason given";
    super(`the API server answered ${status} while ${doing}: ${said}`);
    this.name = "RefusedError";
  }
}

export function openLeases(
  kubernetes: KubernetesCalls,
  settings: { readonly namespace: string; readonly name: string },
): Leases {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${settings.namespace}/leases`;
  const labels = {
    "app.kubernetes.io/name": "entrypoint-agent",
    "app.kubernetes.io/instance": settings.name,
  };
  const selector = encodeURIComponent(
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  );

  return {
    async list(signal) {
      // Version 0 is answered from the API server's memory, without asking etcd.
      const { status, body } = await kubernetes.call(
        "GET",
        `${path}?labelSelector=${selector}&resourceVersion=0`,
        undefined,
        signal,
      );
      if (status !== 200) throw new RefusedError(status, "listing the leases", body);
      return ((body as { readonly items?: readonly LeaseObject[] }).items ?? []).map(leaseOf);
    },
    async write(name, content, version, signal) {
      const time = content.date.toISOString().replace("Z", "000Z");
      const lease = {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: {
          name,
          namespace: settings.namespace,
          labels,
          annotations: content.annotations,
          ...(content.owner ? { ownerReferences: [content.owner] } : {}),
          ...(version === undefined ? {} : { resourceVersion: version }),
        },
        spec: {
          holderIdentity: content.holder,
          leaseDurationSeconds: content.durationSeconds,
          leaseTransitions: content.transitions,
          renewTime: time,
        },
      };
      const { status, body } =
        version === undefined
          ? await kubernetes.call("POST", path, lease, signal)
          : await kubernetes.call("PUT", `${path}/${name}`, lease, signal);
      if (status === 409 || status === 404) return undefined;
      if (status >= 300) throw new RefusedError(status, `writing the lease ${name}`, body);
      return leaseOf(body as LeaseObject);
    },
  };
}

interface LeaseObject {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly holderIdentity?: string; readonly leaseTransitions?: number };
}

function leaseOf({ metadata, spec }: LeaseObject): Lease {
  return {
    name: metadata.name,
    holder: spec?.holderIdentity ?? "",
    version: metadata.resourceVersion,
    transitions: spec?.leaseTransitions ?? 0,
    annotations: metadata.annotations ?? {},
    uid: metadata.uid,
  };
}
