import { expect, it } from "vitest";
import { isPassingFault } from "./faults.js";

const build = "Build of instance 5f0ff5d9-4d4c-4b43-8a4b-9f6a1a5d7a11 aborted:";

it.each([
  "MessagingTimeout",
  "Timed out waiting for a reply to message ID 2d6b0f1c2a",
  `${build} Volume 1c2d9c8a-1f0e-4a57-a4de-0d2b2b9a4f6e did not finish being created even after we waited 187 seconds or 61 attempts. And its status is creating.`,
  `${build} Failed to allocate the network(s), not rescheduling.`,
  `${build} Unable to establish connection to http://neutron:9696/v2.0/ports`,
  "Build of instance 5f0ff5d9 was re-scheduled: internal error: qemu unexpectedly closed the monitor",
  `${build} Failure prepping block device.`,
  "Build of instance 5f0ff5d9 was re-scheduled: Anti-affinity instance group policy was violated.",
  "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance 5f0ff5d9.",
  "Virtual Interface creation failed",
  "libvirtError",
  "DBDeadlock",
  "Insufficient compute resources: Free memory 100.00 MB < requested 2048 MB.",
])("tries again after: %s", (fault) => expect(isPassingFault(fault)).toBe(true));

it.each([
  "No valid host was found. There are not enough hosts available.",
  `${build} VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'.`,
  `${build} VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota.`,
  `${build} Invalid input received: Fixed IP 10.9.9.9 is not a valid ip address for network 8a.`,
  `${build} Image 8a3c is unacceptable: Image has no associated data`,
  `${build} Failed to allocate the network(s) with error No fixed IP addresses available for network: 8a, not rescheduling.`,
  `${build} Block Device Mapping is Invalid: failed to get volume 1c2d9c8a.`,
  `${build} Signature verification for the image failed: Certificate chain building failed`,
  `${build} Attempt to boot guest with tagged devices on host that does not support tagging.`,
  "Maximum number of ports exceeded",
  "it broke",
  "",
])("does not after: %s", (fault) => expect(isPassingFault(fault)).toBe(false));
