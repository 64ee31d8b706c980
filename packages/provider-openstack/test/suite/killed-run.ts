// killed-run.ts CLOUDS_FILE CLUSTER N: begins a site of two machines with floating IPs, and is gone without a word once
// its Nth change took effect.
import { openstack } from "../../src/index.js";
import { createContext, shared, small } from "../sandbox.js";
import { watchFetch } from "./watch.js";

const [cloudsFile, cluster, last] = process.argv.slice(2);
const context = createContext({ cluster: cluster! });
const { fetch } = watchFetch((n) => {
  if (n === Number(last)) process.kill(process.pid, "SIGKILL");
});
const own = openstack({
  cloud: "home",
  cloudsFile: cloudsFile!,
  network: "homenet",
  floatingIp: "internet",
  fetch,
});
await own.ensureShared(context, shared);
for (const n of [1, 2]) await own.create(context, [small(`${cluster}-home-worker-${n}`)]);
