import { describeOpenStack } from "../../provider-openstack/test/suite/cases.js";

const cloudsFile = process.env.MULTICLOUD_OPENSTACK_CLOUDS;
if (!cloudsFile) {
  throw new Error("no real OpenStack here: run it through `npm run test:openstack`");
}

describeOpenStack("a real OpenStack", async () => ({
  cloudsFile,
  pollMs: 500,
  homePageSize: 1000,
  many: Number(process.env.MULTICLOUD_OPENSTACK_SERVERS ?? 60),
}));
