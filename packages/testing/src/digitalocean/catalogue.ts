/** A region as the account sees it. */
export interface RegionOption {
  readonly slug: string;
  readonly name: string;
  /** Default true. */
  readonly available?: boolean;
}

/** A droplet size. */
export interface SizeOption {
  readonly slug: string;
  readonly vcpus: number;
  /** MiB. */
  readonly memory: number;
  /** GiB. */
  readonly disk: number;
  /** US dollars. */
  readonly priceMonthly: number;
  /** Slugs; default all regions. */
  readonly regions?: readonly string[];
  /** Default true. */
  readonly available?: boolean;
}

/** A public image. */
export interface ImageOption {
  readonly slug: string;
  readonly name: string;
  readonly distribution: string;
  /** Slugs; default all regions. */
  readonly regions?: readonly string[];
  /** GiB; default 7. */
  readonly minDiskSize?: number;
}

/** A slice of what DigitalOcean offers, with list prices of 2026. */
export const defaultRegions: readonly RegionOption[] = [
  { slug: "ams3", name: "Amsterdam 3" },
  { slug: "blr1", name: "Bangalore 1" },
  { slug: "fra1", name: "Frankfurt 1" },
  { slug: "lon1", name: "London 1" },
  { slug: "nyc1", name: "New York 1" },
  { slug: "nyc3", name: "New York 3" },
  { slug: "sfo3", name: "San Francisco 3" },
  { slug: "sgp1", name: "Singapore 1" },
  { slug: "syd1", name: "Sydney 1" },
  { slug: "tor1", name: "Toronto 1" },
];

const basic = (vcpus: number, gib: number, disk: number, priceMonthly: number): SizeOption => ({
  slug: `s-${vcpus}vcpu-${gib}gb`,
  vcpus,
  memory: gib * 1024,
  disk,
  priceMonthly,
});

export const defaultSizes: readonly SizeOption[] = [
  { slug: "s-1vcpu-512mb-10gb", vcpus: 1, memory: 512, disk: 10, priceMonthly: 4, regions: ["nyc1", "fra1"] },
  basic(1, 1, 25, 6),
  basic(1, 2, 50, 12),
  basic(2, 2, 60, 18),
  basic(2, 4, 80, 24),
  basic(4, 8, 160, 48),
  basic(8, 16, 320, 96),
];

const distributions: readonly (readonly [slug: string, distribution: string, name: string])[] = [
  ["almalinux-9-x64", "Unknown", "AlmaLinux 9"],
  ["centos-stream-9-x64", "CentOS", "9 Stream x64"],
  ["debian-11-x64", "Debian", "11 x64"],
  ["debian-12-x64", "Debian", "12 x64"],
  ["debian-13-x64", "Debian", "13 x64"],
  ["fedora-42-x64", "Fedora", "42 x64"],
  ["rockylinux-9-x64", "Rocky Linux", "9 x64"],
  ["ubuntu-22-04-x64", "Ubuntu", "22.04 (LTS) x64"],
  ["ubuntu-24-04-x64", "Ubuntu", "24.04 (LTS) x64"],
];

export const defaultImages: readonly ImageOption[] = distributions.map(([slug, distribution, name]) => ({
  slug,
  distribution,
  name,
}));
