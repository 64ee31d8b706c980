import { certManager, helloWorld, longhorn } from "@multicloud/addons";
import { type MulticloudConfig, multicloud } from "@multicloud/core";
import { cloudflare } from "@multicloud/dns-cloudflare";
import { entrypointAgent } from "@multicloud/entrypoint-agent";
import { haproxyGateway } from "@multicloud/gateway-haproxy";
import { digitalocean } from "@multicloud/provider-digitalocean";
import { openstack } from "@multicloud/provider-openstack";
import { rke } from "@multicloud/rke";
import { zerotier } from "@multicloud/zerotier";

/** What is different in every home. */
export interface Home {
  /** Public address of the router at home; it passes 80 and 443 on to the jump machine, or else to a worker. */
  readonly router: string;
  /** Whether HAProxy on the jump machine is to pass 80 and 443 on to the workers. Default false: the router knows them. */
  readonly gateway?: boolean;
  /** The machine at home that SSH is forwarded to. */
  readonly jump: {
    readonly host: string;
    readonly port?: number;
    readonly user: string;
    readonly hostKey: string;
    readonly privateKeyFile?: string;
  };
  /** ZeroTier network that all nodes join. */
  readonly network: string;
  /** Zone at Cloudflare. */
  readonly zone: string;
  /** Told by Let's Encrypt before a certificate ends. */
  readonly email: string;
  /** Mirrors of the addons' manifests, for installing without the internet. */
  readonly manifests?: {
    readonly longhorn: { readonly url: string; readonly sha256: string };
    readonly certManager: { readonly url: string; readonly sha256: string };
  };
}

/** A cluster over an OpenStack in the basement, one with public addresses, and DigitalOcean. Credentials: clouds.yaml, DIGITALOCEAN_TOKEN, ZEROTIER_CENTRAL_TOKEN, CLOUDFLARE_API_TOKEN. */
export function homelab(home: Home, options: Pick<MulticloudConfig, "dialer" | "state" | "timing"> = {}) {
  const entrypoint = cloudflare({ zone: home.zone, record: "*.apps" });
  const small = { size: "g1.medium", image: "debian-12" };
  const droplet = { size: "s-2vcpu-4gb", image: "debian-12-x64" };
  return multicloud({
    name: "multicloud",
    sites: {
      home: {
        provider: openstack({ cloud: "home" }),
        masters: { count: 1, ...small, disk: { sizeGiB: 50, type: "standard" } },
        workers: { count: 3, ...small },
        nat: { publicAddress: home.router },
        ...(home.gateway ? { gateway: haproxyGateway({ host: home.jump, publicAddress: home.router }) } : {}),
        jump: home.jump,
      },
      ramnode: {
        provider: openstack({ cloud: "ramnode" }),
        masters: { count: 1, ...small },
        workers: { count: 1, ...small },
      },
      digitalocean: {
        provider: digitalocean({ region: "fra1" }),
        masters: { count: 1, ...droplet },
        workers: { count: 1, ...droplet },
      },
    },
    overlay: zerotier({ network: home.network }),
    engine: rke(),
    entrypoint,
    api: cloudflare({ zone: home.zone, record: "api" }),
    addons: [
      longhorn(home.manifests ? { manifest: home.manifests.longhorn } : {}),
      certManager({ email: home.email, ...(home.manifests ? { manifest: home.manifests.certManager } : {}) }),
      helloWorld({ host: `hello.apps.${home.zone}` }),
      // Keeps the record on what is alive; without it, somebody outside has to.
      entrypointAgent({ entrypoint }),
    ],
    ...options,
  });
}
