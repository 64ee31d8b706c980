import { describeProvider } from "@multicloud/testing/conformance";
import { staticHosts } from "../src/index.js";
import { openYard } from "./yard.js";

describeProvider({
  name: "static",
  async create() {
    const yard = await openYard(4);
    const claims = () =>
      yard.hosts.flatMap(({ name }) => {
        const text = yard.machine(name).files.read("/etc/multicloud/claim.json");
        return text === undefined ? [] : [{ host: name, text, claim: JSON.parse(text) }];
      });
    const claiming = (effect: { kind: string; name: string }) =>
      effect.kind === "file" && effect.name.endsWith("/etc/multicloud/claim.json");
    return {
      provider: () => staticHosts(yard.hosts, { privateKeyFile: yard.privateKeyFile }),
      dialer: yard.dialer,
      shape: () => ({ size: "as it is", image: "debian-12" }),
      things: () => [
        ...claims().map(({ host, text, claim }) => ({
          kind: claim.owner === "multicloud" ? "machine" : "foreign claim",
          name: claim.owner === "multicloud" ? claim.node : host,
          state: `${host} ${text}`,
        })),
        // A host is as it was found when it has the users that it had.
        ...yard.hosts.map(({ name }) => ({
          kind: "users",
          name,
          state: yard.machine(name).files.read("/etc/passwd")!,
        })),
      ],
      writes: () => yard.world.effects.all.length,
      secrets: [yard.privateKey],
      peakRequests: yard.peak,
      onWrite: (listener) => yard.world.effects.listen(listener),
      cutCreate(when) {
        const stop = yard.world.effects.listen((effect) => {
          if (when === "after" && !claiming(effect)) return;
          stop();
          yard.breakAll();
        });
      },
      refuse: yard.refuse,
      makeForeign() {
        // Whoever wrote this is not us, so the host is nobody's to take.
        yard.machine("rack-1").files.write("/etc/multicloud/claim.json", '{"owner":"somebody else"}\n');
      },
      wrongShape: { shape: { disk: { sizeGiB: 50 } }, path: "workers.disk" },
      close: yard.close,
    };
  },
  cannot: {
    requests: "each host is a service of its own, so a list asks each of them once",
    firewall: "hosts that exist keep the firewall that they have",
  },
  machines: 4,
});
