import type { CallContext } from "@multicloud/core/plugin";
import type { NetworkMember, ZeroTierController } from "./controllers/controller.js";

/** How long a list may be shared, in milliseconds. Nodes of one run become ready within moments of each other. */
const shareMs = 1_000;

/** The members of one network, read with one list call for many nodes. */
export interface MemberDirectory {
  /**
   * All members as they were after `notBefore` (milliseconds since the epoch), brought up to date with our own
   * writes. Default: a second ago. Callers share one request.
   */
  list(call: CallContext, notBefore?: number): Promise<ReadonlyMap<string, NetworkMember>>;
  /** Notes a write of ours; `undefined` for a removed member. */
  note(id: string, member: NetworkMember | undefined): void;
}

interface Reading {
  readonly started: number;
  readonly members: Promise<Map<string, NetworkMember>>;
  readonly stop: AbortController;
  waiting: number;
}

/** Shares list calls, so that their number grows with the networks and not with the nodes. */
export function createMemberDirectory(controller: ZeroTierController, networkId: string): MemberDirectory {
  let current: Reading | undefined;
  // Writes that a call under way may not have seen.
  const written = new Map<string, { readonly at: number; readonly member: NetworkMember | undefined }>();

  function read(call: CallContext): Reading {
    // Its own signal: the caller that happened to be first may give up while others wait.
    const stop = new AbortController();
    const started = Date.now();
    const members = controller.listMembers({ ...call, signal: stop.signal }, networkId).then((list) => {
      const found = new Map(list.map((member) => [member.id, member]));
      for (const [id, write] of written) {
        if (write.at >= started) apply(found, id, write.member);
        else written.delete(id);
      }
      return found;
    });
    const reading: Reading = { started, members, stop, waiting: 0 };
    members.catch(() => {
      if (current === reading) current = undefined;
    });
    current = reading;
    return reading;
  }

  async function wait(reading: Reading, call: CallContext): Promise<ReadonlyMap<string, NetworkMember>> {
    // A signal of its own: a hundred listeners on the run's would make Node.js warn of a leak.
    const signal = AbortSignal.any([call.signal]);
    signal.throwIfAborted();
    reading.waiting += 1;
    let onAbort: () => void = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        reject(signal.reason);
        if (reading.waiting === 1) reading.stop.abort(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([reading.members, aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      reading.waiting -= 1;
    }
  }

  return {
    list(call, notBefore = Date.now() - shareMs) {
      const usable = current && current.started > notBefore && !current.stop.signal.aborted;
      return wait(usable ? current! : read(call), call);
    },
    note(id, member) {
      written.set(id, { at: Date.now(), member });
      current?.members.then(
        (members) => apply(members, id, member),
        () => {},
      );
    },
  };
}

function apply(members: Map<string, NetworkMember>, id: string, member: NetworkMember | undefined): void {
  if (member) members.set(id, member);
  else members.delete(id);
}
