// Our contender: prepares all hosts through @multicloud/ssh and applyFragment, then ends. Measured as a whole
// process, like the others. Usage: prepare-client CONCURRENCY ADDRESS...
import { mkdirSync, writeFileSync } from "node:fs";
import { applyFragment } from "../packages/core/src/fragment/apply-fragment.js";
import { realHosts } from "../packages/testing/hosts/real-hosts.js";
import { download, fragment } from "./prepare-work.js";

const [concurrency, folder, ...addresses] = process.argv.slice(2);
const { connect } = realHosts();
mkdirSync(`${folder}/back`, { recursive: true });
let changed = 0;
const waiting = [...addresses];
const worker = async (): Promise<void> => {
  for (let address = waiting.shift(); address; address = waiting.shift()) {
    const host = await connect(address);
    const report = await applyFragment(host, fragment, { node: address, read: [download] });
    changed += report.changed.length;
    writeFileSync(`${folder}/back/${address}`, report.files.get(download)!);
    await host.close();
  }
};
await Promise.all(Array.from({ length: Number(concurrency) }, worker));
process.stdout.write(`${changed} changed on ${addresses.length} hosts\n`);
