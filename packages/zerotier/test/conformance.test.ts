import { describeOverlay } from "@multicloud/testing/conformance";
import { openOverlayHarness as open } from "./overlay-harness.js";

const network = "8056c2e21c000001";
const create = { cidr: "10.9.0.0/24", mtu: 1400 };
const ownNetworks = { sharedNetwork: "each cluster has a network of its own" };

describeOverlay({
  name: "zerotier on a network of Central that is given",
  create: async () => ({
    ...(await open(({ url }) => ({ network, baseURL: url }))),
    sharedNetwork: true,
  }),
});

describeOverlay({
  name: "zerotier on Central (API v1)",
  create: () => open(({ url }) => ({ create, baseURL: url })),
  cannot: ownNetworks,
});

describeOverlay({
  name: "zerotier on Central (API v2)",
  create: () => open(({ origin }) => ({ create, controller: "central-v2", baseURL: origin })),
  cannot: ownNetworks,
});

describeOverlay({
  name: "zerotier on a self-hosted controller",
  create: () => open(({ origin }) => ({ create, controller: "self-hosted", baseURL: origin })),
  cannot: ownNetworks,
});
