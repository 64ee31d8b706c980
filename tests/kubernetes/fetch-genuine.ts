// Before the namespaces are made: inside them there is no network.
import { fetchGenuine } from "./genuine.js";

await fetchGenuine((text) => process.stderr.write(`${text}\n`));
