import type { Provider } from "@multicloud/core/plugin";
import { checkSite } from "./check.js";
import { createOpenStackClient } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { createMachine } from "./create.js";
import { deleteMachines } from "./delete.js";
import { createKnownServers } from "./known-servers.js";
import { createLookup } from "./lookup.js";
import { listMachines } from "./machines.js";
import type { OpenStackOptions } from "./options.js";
import { setPower } from "./power.js";
import { deleteShared, ensureShared } from "./shared.js";

/** Nova takes 65,535 characters of base64 (Compute API, `user_data`): three bytes for each four of them. */
const maxUserDataBytes = Math.floor(65_535 / 4) * 3;

/**
 * Machines of one OpenStack project: Keystone v3, Nova, Neutron, Glance, and Cinder for boot volumes. Ours
 * are marked by server metadata; the site's security group and key pair are named
 * `multicloud-<cluster>-<site>` and marked by description and key comment. Nothing is read or asked before
 * the first call.
 */
export function openstack(options: OpenStackOptions = {}): Provider {
  const client = createOpenStackClient(options);
  const cloud: Cloud = {
    client,
    options,
    lookup: createLookup(client, options),
    servers: createKnownServers(client),
  };
  return {
    specVersion: "v1",
    name: "openstack",
    userData: { maxBytes: maxUserDataBytes, gzip: true },
    createBatch: 1,
    check: (context, request) => checkSite(cloud, context, request),
    list: (context) => listMachines(cloud, context),
    async ensureShared(context, request) {
      await ensureShared(cloud, context, request);
      cloud.servers.forget();
    },
    async create(context, requests) {
      for (const request of requests) await createMachine(cloud, context, request);
    },
    async delete(context, machines) {
      try {
        await deleteMachines(cloud, context, machines);
      } finally {
        cloud.servers.forget();
      }
    },
    async deleteShared(context) {
      await deleteShared(cloud, context);
      cloud.lookup.forget();
    },
    power: (context, machines, on) => setPower(cloud, context, machines, on),
  };
}
