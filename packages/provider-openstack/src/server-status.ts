import type { Machine } from "@multicloud/core/plugin";
import type { Server } from "./client/index.js";

/** The statuses of the Compute API guide ("Server concepts") as core knows them. */
export function statusOf(server: Server): Machine["status"] {
  if (server["OS-EXT-STS:task_state"] === "deleting") return "deleting";
  switch (server.status) {
    case "BUILD":
    case "REBUILD":
      return "creating";
    case "ERROR":
      return "failed";
    case "PAUSED":
    case "SHELVED":
    case "SHELVED_OFFLOADED":
    case "SHUTOFF":
    case "SUSPENDED":
    case "UNKNOWN":
      return "stopped";
    default:
      // ACTIVE, and the states of one that is at work while it is rebooted, resized or moved.
      return "running";
  }
}
