import { directoryStore } from "@multicloud/core";
import { connect as kubernetes } from "@multicloud/kubernetes";
import { connect as ssh } from "@multicloud/ssh";
import { emulatedMachines } from "@multicloud/testing/conformance";

/** Emulated Debian machines on an overlay, reached with the SDK's own clients. */
export const openEngineLab = () => emulatedMachines({ ssh, kubernetes, state: directoryStore });
