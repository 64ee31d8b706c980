import { canonicalAddress } from "./find-addresses.js";
import type { KubernetesCalls } from "./kubernetes-api.js";
import { RefusedError } from "./leases.js";

/** What the agent reads of the node it runs on. */
export interface OwnNode {
  readonly name: string;
  readonly uid: string;
  /** Its `topology.kubernetes.io/region`, or its name. */
  readonly site: string;
  /** From the annotation, otherwise what a cloud's controller wrote as ExternalIP; empty when nobody says. */
  readonly addresses: readonly string[];
}

/** Node annotation with its public addresses, separated by commas. */
const addressAnnotation = "multicloud.entrypoint/public-address";

interface NodeObject {
  readonly metadata: {
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

export async function readOwnNode(
  kubernetes: KubernetesCalls,
  name: string,
  signal: AbortSignal,
): Promise<OwnNode> {
  const { status, body } = await kubernetes.call("GET", `/api/v1/nodes/${name}`, undefined, signal);
  if (status !== 200) throw new RefusedError(status, `reading the node ${name}`, body);
  const node = body as NodeObject;
  const said = (node.metadata.annotations?.[addressAnnotation] ?? "").split(",");
  const annotated = canonical(said.map((each) => each.trim()));
  const external = (node.status?.addresses ?? []).filter(({ type }) => type === "ExternalIP");
  return {
    name,
    uid: node.metadata.uid,
    site: node.metadata.labels?.["topology.kubernetes.io/region"] ?? name,
    addresses: annotated.length > 0 ? annotated : canonical(external.map(({ address }) => address)),
  };
}

/** Written in another way than the record's, an address would count as another. */
const canonical = (texts: readonly string[]) =>
  texts.map(canonicalAddress).filter((address) => address !== undefined);
