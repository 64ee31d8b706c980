import { isIPv6 } from "node:net";
import {
  type EngineNode,
  type Gateway,
  type GatewayContext,
  MulticloudError,
  type Problem,
  ValidationError,
} from "@multicloud/core/plugin";
import { fingerprint } from "@multicloud/ssh";
import { isOurs } from "./host-record.js";
import { defaultSources, type HaproxyGatewayOptions, optionProblems } from "./options.js";
import type { Backend } from "./render.js";

/**
 * HAProxy on a machine of its own, one that is there or one that the site's provider makes, in front of a site behind NAT: 80 and 443 go to the site's workers as they
 * come (TCP, so certificates stay in the cluster), 6443 to its masters if wanted. The machine says whose gateway it
 * is and what was there before (`/etc/multicloud/haproxy-gateway.json`).
 *
 * Errors: `CONFIG_INVALID`, `CONFLICT` (another cluster's gateway, or a configuration that we have not
 * written), `HOST_UNREACHABLE`, `HOST_KEY_MISMATCH`, `SSH_AUTH_FAILED`, `REMOTE_COMMAND_FAILED`; for a
 * `publicAddress` of `"auto"` also `SERVICE_UNREACHABLE` and `SERVICE_ANSWER`.
 */
export function haproxyGateway(options: HaproxyGatewayOptions): Gateway {
  const {
    host,
    publicAddress,
    proxyProtocol = false,
    api = false,
    takeOver = false,
    workerPorts = {},
    statsPort = 8404,
    idleSeconds = 3_600,
    sources = defaultSources,
  } = options;
  const wrong = optionProblems(options);

  async function remoteTools(context: GatewayContext) {
    if (wrong.length > 0) {
      const path = `sites.${context.site}.gateway`;
      throw new ValidationError(wrong.map((one) => ({ ...one, path: `${path}.${one.path}` })));
    }
    return import("./remote.js");
  }

  return {
    specVersion: "v1",
    name: "haproxy",
    ...(options.machine ? { machine: options.machine } : {}),
    ...(host && wrong.length === 0 ? { at: fingerprint(host.hostKey) } : {}),
    async check(context) {
      if (wrong.length > 0) return { problems: wrong, warnings: [] };
      // One that is still to be made has nothing on it.
      if (!host && !context.machine) return { problems: [], warnings: [] };
      const { onMachine } = await remoteTools(context);
      const { look } = await import("./look.js");
      const { obstacle } = await import("./obstacle.js");
      const problems: Problem[] = [];
      const found = obstacle(
        await onMachine(host, context, (remote) => look(remote, context)),
        context,
        takeOver,
      );
      const place = host ? { path: "host", given: host.host } : { path: "machine" };
      if (found) problems.push({ ...place, code: "CONFLICT", ...found });
      return { problems, warnings: [] };
    },
    async find(context) {
      const { onMachine } = await remoteTools(context);
      const { look } = await import("./look.js");
      const { askStats } = await import("./stats.js");
      return onMachine(host, context, async (remote) => {
        const { record } = await look(remote, context);
        if (!record || record === "damaged" || !isOurs(context, record)) return undefined;
        const running = await askStats(remote, context, statsPort);
        return { backends: running?.backends ?? [] };
      });
    },
    async ensure(context, nodes) {
      const { onMachine } = await remoteTools(context);
      const { renderConfig } = await import("./render.js");
      const { ensureConfig } = await import("./ensure.js");
      const { cluster, site } = context;
      const { text, digest } = renderConfig({
        cluster,
        site,
        workers: backends(nodes, "worker"),
        ...(api ? { masters: backends(nodes, "master") } : {}),
        workerPorts: { http: workerPorts.http ?? 80, https: workerPorts.https ?? 443 },
        proxyProtocol,
        statsPort,
        idleSeconds,
        ipv6: isIPv6(publicAddress),
      });
      const wanted = { text, digest, statsPort, takeOver };
      return { changed: await onMachine(host, context, (remote) => ensureConfig(remote, context, wanted)) };
    },
    async publicAddress(context) {
      const { onMachine } = await remoteTools(context);
      if (publicAddress !== "auto") return publicAddress;
      const own = await context.machine?.publicAddress();
      if (own !== undefined) return own;
      const { askPublicAddress } = await import("./public-address.js");
      return onMachine(host, context, (remote) => askPublicAddress(remote, context, sources));
    },
    async remove(context) {
      const { onMachine } = await remoteTools(context);
      const { removeGateway } = await import("./remove.js");
      await onMachine(host, context, (remote) => removeGateway(remote, context));
    },
  };

  function backends(nodes: readonly EngineNode[], role: EngineNode["role"]): Backend[] {
    return nodes
      .filter((node) => node.role === role)
      .map(({ name, privateAddress, address, site }) => {
        const reached = privateAddress ?? address;
        if (reached) return { name, address: reached };
        throw new MulticloudError(`${name} has no address for its gateway`, {
          code: "INTERNAL",
          site,
          node: name,
        });
      });
  }
}
