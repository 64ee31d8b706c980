/** What one agent tells the others, in the annotation of its Lease. */
export interface Observation {
  readonly site: string;
  /** The node's public addresses. */
  readonly addresses: readonly string[];
  /** Addresses that were the node's and are not any more. */
  readonly left: readonly string[];
  /** What it is sure of. */
  readonly sees: Readonly<Record<string, "up" | "down">>;
  /** Something looks wrong from here: all agents are to speak up now. */
  readonly suspects: boolean;
}

/** Annotation of an agent's Lease. */
export const observationAnnotation = "multicloud.entrypoint/observation";
/** Annotation of the leader's Lease: addresses of the record, so that all agents probe those too. */
export const recordAnnotation = "multicloud.entrypoint/record";

/** What an annotation says; `undefined` when another version of the program, or somebody else, wrote it. */
export function parseObservation(text: string | undefined): Observation | undefined {
  const value = parse(text);
  if (typeof value !== "object" || value === null) return undefined;
  const { site, addresses, left, sees, suspects } = value as Record<string, unknown>;
  if (typeof site !== "string" || typeof sees !== "object" || sees === null) return undefined;
  return {
    site,
    addresses: strings(addresses),
    left: strings(left),
    sees: Object.fromEntries(
      Object.entries(sees).filter(
        (each): each is [string, "up" | "down"] => each[1] === "up" || each[1] === "down",
      ),
    ),
    suspects: suspects === true,
  };
}

/** Addresses in an annotation. */
export function parseAddresses(text: string | undefined): readonly string[] {
  return strings(parse(text));
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
