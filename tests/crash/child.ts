// The homelab in a process of its own, so that it can be killed. Runs the verbs that it is sent, one after the other.

import { socks5Dialer } from "@multicloud/ssh";
import { homelab } from "../../examples/homelab/homelab.js";
import { describeError, type Request } from "./child-messages.js";

const say = (answer: unknown) => process.send?.(answer);

process.on("message", async ({ verb, home, socks, state }: Request) => {
  try {
    const cluster = homelab(home, {
      dialer: socks5Dialer(socks),
      state,
      timing: { pollMs: 25, sshMs: 60_000 },
    });
    await (verb === "up" ? cluster.up() : cluster.destroy());
    say({ type: "done" });
  } catch (error) {
    say({ type: "failed", error: describeError(error) });
  }
});
say({ type: "ready" });
