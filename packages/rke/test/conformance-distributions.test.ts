import { describeEngine } from "@multicloud/testing/conformance";
import { openDistributionHarness } from "./distribution-harness.js";

const cannot = {
  commands: "no program is started on the operator's machine",
  impostor: "all goes over connections that are open and verified",
};

describeEngine({ name: "k3s", create: () => openDistributionHarness("k3s"), cannot });
// One implementation serves both: k3s shows every kill.
describeEngine({ name: "rke2", create: () => openDistributionHarness("rke2"), cannot, killEvery: 3 });
