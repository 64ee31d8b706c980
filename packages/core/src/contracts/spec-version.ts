/**
 * The version of the plugin contracts that this release of core understands. A plugin carries the one
 * it was written for; core refuses any other with an error that says which package to upgrade.
 */
export type SpecVersion = "v1";

/** What every plugin object carries, whatever seam it fills. */
export interface PluginIdentity {
  /** The contract version this plugin was written for. */
  readonly specVersion: SpecVersion;
  /** Short name for messages, for example `openstack` or `zerotier`. */
  readonly name: string;
}
