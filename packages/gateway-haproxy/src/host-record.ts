import type { SiteContext } from "@multicloud/core/plugin";

/** Where a machine says whose gateway it is and what was there before. Readable by everybody: it holds no secret. */
export const recordFile = "/etc/multicloud/haproxy-gateway.json";

/** Written before the first change of a machine, removed after the last. */
export interface HostRecord {
  /** Whose format this is. */
  readonly owner: "multicloud";
  readonly cluster: string;
  readonly site: string;
  /** What was there before. */
  readonly before: {
    /** Whether the package was installed. */
    readonly installed: boolean;
    readonly enabled: boolean;
    readonly active: boolean;
  };
}

export const renderRecord = (record: HostRecord) => `${JSON.stringify(record, null, 2)}\n`;

/** `undefined` when the text is none of ours or damaged: then nobody may touch the machine. */
export function parseRecord(text: string): HostRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<HostRecord> | null;
    const { before, cluster, site } = value ?? {};
    if (value?.owner !== "multicloud" || !cluster || !site || typeof before?.installed !== "boolean")
      return undefined;
    return {
      owner: "multicloud",
      cluster,
      site,
      before: {
        installed: before.installed,
        enabled: before.enabled === true,
        active: before.active === true,
      },
    };
  } catch {
    return undefined;
  }
}

/** Whether a record or a configuration's head names this cluster and site. */
export const isOurs = (
  { cluster, site }: Pick<SiteContext, "cluster" | "site">,
  one: { readonly cluster: string; readonly site: string },
) => one.cluster === cluster && one.site === site;
