// One verb of the homelab in a process of its own, so that it can be killed. Says over IPC when it is done.
import { socks5Dialer } from "@multicloud/ssh";
import { type Home, homelab } from "../../examples/homelab/homelab.js";

const { home, socks, state, verbs } = JSON.parse(process.env.CRASH_TEST!) as {
  home: Home;
  socks: string;
  state: string;
  verbs: ("up" | "destroy")[];
};
const cluster = homelab(home, { dialer: socks5Dialer(socks), state, timing: { pollMs: 25 } });

for (const verb of verbs) {
  try {
    const result = verb === "up" ? await cluster.up() : await cluster.destroy();
    process.send!({ verb, result });
  } catch (error) {
    process.send!({
      verb,
      error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error),
    });
    break;
  }
  // The test looks at the world before it lets the next verb begin.
  await new Promise((resolve) => process.once("message", resolve));
}
process.disconnect();
