import { joinedCluster } from "./join.js";
import { startKubelet } from "./kubelet.js";
import { checkProfile } from "./profile.js";
import type { Start } from "./server.js";
import { StartFailure } from "./start-failure.js";
import { checkToken, readToken } from "./token.js";

/** A worker: joins through any server that it knows. Returns what stops it; throws {@link StartFailure}. */
export async function startAgent(start: Start): Promise<() => void> {
  const { world, flavour, machine, config } = start;
  checkProfile(start, false);
  const url = config.text("server");
  if (url === undefined) throw new StartFailure("--server is required");
  const token = readToken(machine, config);
  const balancerFile = `${flavour.dataDirectory}/agent/etc/${flavour.name}-agent-load-balancer.json`;
  const known = machine.files.read(balancerFile);
  const addresses = known ? (JSON.parse(known) as { ServerAddresses: string[] }).ServerAddresses : [];
  const urls = [url, ...addresses.map((address) => `https://${address}`)];
  const cluster = await joinedCluster(world, flavour, machine, urls);
  checkToken(token, cluster);
  await world.clock.sleep(world.timing.engineStepMs);
  machine.files.write(`${flavour.dataDirectory}/agent/server-ca.crt`, cluster.serverCa.certPem);
  const remember = () =>
    machine.files.write(
      balancerFile,
      JSON.stringify({
        ServerURL: url,
        ServerAddresses: [...cluster.members.values()].map(
          ({ address }) => `${address}:${flavour.supervisorPort}`,
        ),
      }),
      { mode: 0o600 },
    );
  remember();
  return startKubelet({ ...start, cluster, isServer: false });
}
