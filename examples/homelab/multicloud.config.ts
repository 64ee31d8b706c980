// A cluster of one's own to begin with: copy it and change it, docs/guides/getting-started.md says what. Credentials
// come from clouds.yaml, DIGITALOCEAN_TOKEN, ZEROTIER_CENTRAL_TOKEN and CLOUDFLARE_API_TOKEN.
import { certManager, helloWorld } from "@multicloud/addons";
import { multicloud } from "@multicloud/core";
import { cloudflare } from "@multicloud/dns-cloudflare";
import { entrypointAgent } from "@multicloud/entrypoint-agent";
import { digitalocean } from "@multicloud/provider-digitalocean";
import { openstack } from "@multicloud/provider-openstack";
import { k3s } from "@multicloud/rke";
import { zerotier } from "@multicloud/zerotier";

const zone = "example.com";
const entrypoint = cloudflare({ zone, record: "*.apps" });
const vm = { size: "g1.medium", image: "debian-12" };
const droplet = { size: "s-2vcpu-4gb", image: "debian-12-x64" };

export default multicloud({
  name: "mine",
  sites: {
    home: {
      provider: openstack({ cloud: "home" }), // a name in clouds.yaml
      masters: { count: 1, ...vm },
      workers: { count: 2, ...vm },
      nat: { publicAddress: "203.0.113.7" }, // the router; it passes 80 and 443 on to a worker
      jump: {
        host: "203.0.113.7",
        port: 2222, // which the router passes on to SSH of a machine at home
        user: "me",
        hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBIfGnZuzSwFtKmsIUAnydZ2adhqKPEYxBf0eCu5uA4P",
        privateKeyFile: "/home/me/.ssh/id_ed25519", // a key that this machine lets in already; no passphrase
      },
    },
    fra: {
      provider: digitalocean({ region: "fra1" }),
      masters: { count: 1, ...droplet },
      workers: { count: 1, ...droplet },
    },
    ams: {
      provider: digitalocean({ region: "ams3" }),
      masters: { count: 1, ...droplet },
    },
  },
  overlay: zerotier({ network: "8056c2e21c000001" }),
  engine: k3s(),
  entrypoint,
  api: cloudflare({ zone, record: "api" }),
  addons: [
    entrypointAgent({ entrypoint }),
    certManager({ email: "me@example.com" }),
    helloWorld({ host: `hello.apps.${zone}` }),
  ],
});
