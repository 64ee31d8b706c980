import type { Records } from "./records.js";

/** What stands in the way of our record. */
export interface Obstacle {
  readonly message: string;
  readonly hint: string;
}

/** What is certainly in the way: another cluster's mark, a delegation, addresses that nobody with our mark has written. */
export function obstacle(records: Records, cluster: string): Obstacle | undefined {
  const { mark } = records;
  if (records.delegatedTo !== undefined) {
    return {
      message: `this name is delegated to ${records.delegatedTo}`,
      hint: "give that zone and its primary server, or choose another name",
    };
  }
  if (!mark) return undefined;
  if (mark.cluster !== cluster) {
    return {
      message: `this name belongs to the cluster ${mark.cluster}: its mark says so`,
      hint: "choose another name, or have that cluster give it up with destroy()",
    };
  }
  const foreign = [...records.A.addresses, ...records.AAAA.addresses].find(
    (address) => !mark.addresses.includes(address),
  );
  if (foreign === undefined) return undefined;
  return {
    message: `the address ${foreign} of this name was not written by us: the mark does not list it`,
    hint: "delete that address, or the mark and all addresses, and run it again",
  };
}

/** Why a name without a mark could not be had, from what is seen there. */
export function taken(records: Records): Obstacle {
  const [address] = [...records.A.addresses, ...records.AAAA.addresses];
  const what =
    records.alias !== undefined
      ? `a CNAME to ${records.alias} has this name`
      : address !== undefined
        ? `the address ${address} of this name belongs to somebody else: no mark of ours stands beside it`
        : records.strangeMark !== undefined
          ? `where its mark should be there is the TXT record ${JSON.stringify(records.strangeMark)}`
          : "the zone has another record of this name";
  return { message: what, hint: "delete it or choose another name" };
}
