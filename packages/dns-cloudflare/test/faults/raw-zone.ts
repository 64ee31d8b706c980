import type { DnsEntrypoint } from "@multicloud/core/plugin";

interface RawRecord {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly content: string;
}

/** The zone without any of the plugin's care: each call is made once, whatever the marks say. */
export function rawZone({ inCluster }: DnsEntrypoint) {
  const base = `${inCluster!.settings.baseURL}/zones`;
  const { token } = inCluster!.secrets();
  const call = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return ((await answer.json()) as { readonly result: unknown }).result as readonly RawRecord[];
  };
  const records = async () => `/${(await call("GET", ""))[0]?.id}/dns_records`;
  return {
    list: async () => call("GET", await records()),
    make: async (name: string, type: string, content: string, comment?: string) =>
      call("POST", await records(), { name, type, content, ttl: 60, comment }),
    async remove(which: (record: RawRecord) => boolean) {
      const at = await records();
      for (const record of (await call("GET", at)).filter(which)) await call("DELETE", `${at}/${record.id}`);
    },
  };
}
