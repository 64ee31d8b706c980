/**
 * Every code an error of this SDK can carry. Codes are stable: they are only added, never renamed.
 *
 * | code | meaning |
 * | --- | --- |
 * | `CONFIG_INVALID` | the configuration, or what the services say of it, is wrong; see `problems` |
 * | `PLUGIN_INCOMPATIBLE` | this version of core does not give a plugin what it needs; a plugin with an unknown `specVersion` or without a member is `CONFIG_INVALID` |
 * | `STATE_LOCKED` | another run holds the lock of this cluster |
 * | `STATE_LOCK_LOST` | this run lost the lock and stopped |
 * | `STATE_DAMAGED` | a file of the state directory cannot be read |
 * | `AUTH_FAILED` | a service refused the credentials |
 * | `FORBIDDEN` | the credentials are right but may not do this |
 * | `NOT_FOUND` | a named thing does not exist |
 * | `CONFLICT` | a thing of this name exists and is not ours, or was changed meanwhile |
 * | `QUOTA_EXCEEDED` | the cloud's quota has no room |
 * | `RATE_LIMITED` | still too many requests after all retries |
 * | `REQUEST_REFUSED` | a service refused a request as wrong (other 4xx) |
 * | `SERVICE_FAILED` | a service failed (5xx) after all retries |
 * | `SERVICE_UNREACHABLE` | no answer from a service after all retries |
 * | `SERVICE_ANSWER` | an answer was not what the service's API promises |
 * | `MACHINE_FAILED` | the cloud could not make a machine |
 * | `MACHINE_LOST` | a machine vanished while it was waited for |
 * | `HOST_UNREACHABLE` | a node does not answer over SSH |
 * | `HOST_KEY_MISMATCH` | a node presented another host key than the one it must have |
 * | `HOST_KEY_UNKNOWN` | a node exists whose host key is not in the state |
 * | `SSH_AUTH_FAILED` | a node refused the SSH key |
 * | `REMOTE_COMMAND_FAILED` | a command on a node failed |
 * | `BOOT_FAILED` | cloud-init on a node ended with an error |
 * | `OVERLAY_FAILED` | a node did not get onto the overlay |
 * | `ENGINE_TOOL_MISSING` | a program that the engine runs is not installed |
 * | `ENGINE_FAILED` | the engine's run failed |
 * | `ENGINE_NODE_DROPPED` | the engine finished without one of the nodes |
 * | `ENGINE_STATE_MISSING` | the engine's state is gone for a cluster that exists |
 * | `KUBERNETES_FAILED` | the cluster's API refused or failed |
 * | `ADDON_FAILED` | an addon did not become ready |
 * | `ENTRYPOINT_FAILED` | the DNS record could not be kept |
 * | `TIMEOUT` | something took longer than its deadline |
 * | `ABORTED` | the caller's signal ended the run |
 * | `RUN_FAILED` | several nodes failed; `errors` has each |
 * | `INTERNAL` | a defect of this SDK |
 */
export type ErrorCode =
  | "CONFIG_INVALID"
  | "PLUGIN_INCOMPATIBLE"
  | "STATE_LOCKED"
  | "STATE_LOCK_LOST"
  | "STATE_DAMAGED"
  | "AUTH_FAILED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "CONFLICT"
  | "QUOTA_EXCEEDED"
  | "RATE_LIMITED"
  | "REQUEST_REFUSED"
  | "SERVICE_FAILED"
  | "SERVICE_UNREACHABLE"
  | "SERVICE_ANSWER"
  | "MACHINE_FAILED"
  | "MACHINE_LOST"
  | "HOST_UNREACHABLE"
  | "HOST_KEY_MISMATCH"
  | "HOST_KEY_UNKNOWN"
  | "SSH_AUTH_FAILED"
  | "REMOTE_COMMAND_FAILED"
  | "BOOT_FAILED"
  | "OVERLAY_FAILED"
  | "ENGINE_TOOL_MISSING"
  | "ENGINE_FAILED"
  | "ENGINE_NODE_DROPPED"
  | "ENGINE_STATE_MISSING"
  | "KUBERNETES_FAILED"
  | "ADDON_FAILED"
  | "ENTRYPOINT_FAILED"
  | "TIMEOUT"
  | "ABORTED"
  | "RUN_FAILED"
  | "INTERNAL";
