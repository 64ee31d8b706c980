import { createServer } from "node:https";
import { parseManifest } from "../../packages/addons/src/manifest/load.js";
import { createAuthority, issue } from "../../packages/testing/src/rke/certificates/authority.js";
import type { RawRequest, Server } from "./servers.js";

type Body = Record<string, unknown>;
interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** Something that runs in a cluster, played: what it writes to the API, without a container. */
export interface Player {
  stop(): Promise<void>;
}

/** Calls `look` again and again until stopped; an error of it is the stop's. */
function play(look: () => Promise<void>): Player {
  let ended = false;
  const playing = (async () => {
    while (!ended) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  playing.catch(() => {});
  return {
    async stop() {
      ended = true;
      await playing;
    },
  };
}

async function ask(server: Server, request: RawRequest): Promise<Body | undefined> {
  const answer = await server.request(request);
  if (answer.status < 300) return answer.body as Body;
  if (answer.status === 404 || answer.status === 409) return undefined;
  throw new Error(`${request.method} ${request.path}: ${JSON.stringify(answer.body)}`);
}

const items = (list: Body | undefined) => (list?.items ?? []) as readonly Named[];
const manager = "?fieldManager=longhorn-manager";

/** Longhorn's manager: its StorageClass, as the ConfigMap has it, and its own object of each node. */
export function playLonghorn(server: Server): Player {
  const classes = "/apis/storage.k8s.io/v1/storageclasses";
  const nodes = "/apis/longhorn.io/v1beta2/namespaces/longhorn-system/nodes";
  let made = "";
  return play(async () => {
    const path = "/api/v1/namespaces/longhorn-system/configmaps/longhorn-storageclass";
    const config = (await ask(server, { method: "GET", path })) as
      | { data?: Record<string, string> }
      | undefined;
    const text = config?.data?.["storageclass.yaml"];
    if (text === undefined) return;
    if (text !== made) {
      await ask(server, { method: "DELETE", path: `${classes}/longhorn` });
      await ask(server, {
        method: "POST",
        path: classes + manager,
        body: parseManifest("longhorn", text)[0],
      });
      made = text;
    }
    const known = await ask(server, { method: "GET", path: nodes });
    if (!known) return;
    for (const { metadata } of items(await ask(server, { method: "GET", path: "/api/v1/nodes" }))) {
      const { name } = metadata;
      if (items(known).some((node) => node.metadata.name === name)) continue;
      const spec = { name, allowScheduling: true, evictionRequested: false, tags: [], disks: {} };
      const body = { apiVersion: "longhorn.io/v1beta2", kind: "Node", metadata: { name }, spec };
      await ask(server, { method: "POST", path: nodes + manager, body });
    }
  });
}

/**
 * cert-manager: a webhook that really answers, the CA that its cainjector puts into the webhook's configurations,
 * and issuers that become Ready.
 */
export async function playCertManager(server: Server): Promise<Player & { readonly reviews: number }> {
  const ca = await createAuthority("webhook-ca");
  const names = ["cert-manager-webhook.cert-manager.svc"];
  const { certPem, keyPem } = await issue(ca, { commonName: "webhook", names });
  let reviews = 0;
  const webhook = createServer({ cert: certPem, key: keyPem }, (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      reviews += 1;
      const { apiVersion, kind, request } = JSON.parse(Buffer.concat(chunks).toString());
      outgoing.setHeader("content-type", "application/json");
      outgoing.end(JSON.stringify({ apiVersion, kind, response: { uid: request.uid, allowed: true } }));
    });
  });
  // All cluster addresses are this machine's loopback (with-kubernetes.sh).
  await new Promise<void>((resolve, reject) => {
    webhook.once("error", reject);
    webhook.listen(443, resolve);
  });
  const caBundle = Buffer.from(ca.certPem).toString("base64");
  const player = play(async () => {
    for (const plural of ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]) {
      const path = `/apis/admissionregistration.k8s.io/v1/${plural}/cert-manager-webhook`;
      const found = await ask(server, { method: "GET", path });
      const webhooks = (found?.webhooks ?? []) as readonly {
        name: string;
        clientConfig: { caBundle?: string };
      }[];
      const bare = webhooks.filter(({ clientConfig }) => clientConfig.caBundle === undefined);
      if (bare.length === 0) continue;
      await ask(server, {
        method: "PATCH",
        path: `${path}?fieldManager=cainjector`,
        contentType: "application/strategic-merge-patch+json",
        body: { webhooks: bare.map(({ name }) => ({ name, clientConfig: { caBundle } })) },
      });
    }
    const issuers = "/apis/cert-manager.io/v1/clusterissuers";
    for (const { metadata, status } of items(await ask(server, { method: "GET", path: issuers }))) {
      if (status !== undefined) continue;
      const time = new Date().toISOString().replace(/\.\d+/, "");
      const condition = {
        type: "Ready",
        status: "True",
        reason: "Played",
        message: "",
        lastTransitionTime: time,
      };
      await ask(server, {
        method: "PATCH",
        path: `${issuers}/${metadata.name}/status`,
        contentType: "application/merge-patch+json",
        body: { status: { conditions: [condition] } },
      });
    }
  });
  return {
    get reviews() {
      return reviews;
    },
    async stop() {
      await player.stop();
      webhook.closeAllConnections();
      await new Promise((resolve) => webhook.close(resolve));
    },
  };
}

/** Rook's operator, which says that the Ceph cluster is healthy. */
export function playRook(server: Server): Player {
  const path = "/apis/ceph.rook.io/v1/namespaces/rook-ceph/cephclusters/rook-ceph";
  return play(async () => {
    const found = await ask(server, { method: "GET", path });
    if (!found || found.status !== undefined) return;
    const time = new Date().toISOString().replace(/\.\d+/, "");
    const condition = { type: "Ready", status: "True", lastTransitionTime: time, lastHeartbeatTime: time };
    await ask(server, {
      method: "PATCH",
      path: `${path}/status`,
      contentType: "application/merge-patch+json",
      body: { status: { phase: "Ready", conditions: [condition] } },
    });
  });
}
