import { connect as ssh } from "@multicloud/ssh";
import { describeOverlay, emulatedMachines } from "@multicloud/testing/conformance";
import { type Member, myOverlay } from "./my-overlay.js";

// The example of docs/guides/write-your-own-engine-or-overlay.md.
describeOverlay({
  name: "my-overlay",
  async create() {
    const machines = await emulatedMachines({ ssh });
    const { boot, discard, connect: open } = machines.harness;
    const service = new Map<string, Member>();
    let writes = 0;
    const counted = new Proxy(service, {
      get(target, key) {
        if (key === "set" || key === "delete") writes += 1;
        const member: unknown = Reflect.get(target, key);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    return {
      overlay: () => myOverlay(counted),
      boot: (name) => boot(name, "worker"),
      discard,
      connect: async (name) => (await open(name)).host,
      things: () =>
        [...service.values()].map((member) => ({
          kind: "member",
          name: member.id,
          state: JSON.stringify(member),
        })),
      writes: () => writes,
      secrets: ["my-api-token"],
      sharedNetwork: true,
      close: machines.close,
    };
  },
  cannot: {
    onWrite: "a Map changes at once",
    cutWrite: "a Map has no connection",
    tooMany: "a Map has no limit",
    refuse: "a Map refuses nothing",
    letInByHand: "nobody else has this Map",
    shutOut: "nobody else has this Map",
    wrongOptions: "there are no options",
  },
});
