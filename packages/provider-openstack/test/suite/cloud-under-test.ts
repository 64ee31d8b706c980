/**
 * A cloud that the suite runs on: emulated or real. All it needs is a `clouds.yaml` with these entries, by
 * password unless said otherwise:
 *
 * - `home`: the project `homelab`, by application credential, whose name is `sdk`
 * - `home-password`: the same project and user
 * - `home-paged`: the same, where Nova gives two servers a page
 * - `attic`: another project, another user
 * - `cellar`: a project that may have 2 instances, 4 vCPU, 8192 MiB, 1 volume, 20 GiB of volumes, 2 security
 *   groups (the `default` one counts) and 1 floating IP
 *
 * and in it the shared network `homenet` (10.20.0.0/16), the network `storage` (10.30.0.0/16) of `homelab`, the external network `internet`, the images `debian-11` and the newer `debian-12` with `os_distro=debian`,
 * flavors `g1.small` (1 vCPU, 2048 MiB), `g1.medium` (2, 4096), `g1.large` (4, 8192) and `g1.huge`, for which no
 * host is large enough, and the volume types `standard` (the default), `fast` and `broken`, whose volumes fail after they were accepted. Where
 * Cinder gives two types a page Nova does not find `standard` by its name or id: its Cinder client reads one page.
 */
export interface CloudUnderTest {
  readonly cloudsFile: string;
  /** Between two looks at what changes by itself, in milliseconds. */
  readonly pollMs: number;
  /** Servers that Nova gives on a page of `home`. */
  readonly homePageSize: number;
  /** Servers of the largest case; 0 leaves it out. */
  readonly many: number;
}

/** What may be left of a test, by kind: names, or ids of what has none. */
export type Leftovers = Readonly<
  Record<
    "servers" | "ports" | "volumes" | "securityGroups" | "keypairs" | "floatingIps" | "serverGroups",
    readonly string[]
  >
>;

export const nothing: Leftovers = {
  servers: [],
  ports: [],
  volumes: [],
  securityGroups: [],
  keypairs: [],
  floatingIps: [],
  serverGroups: [],
};
