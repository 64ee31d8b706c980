import { createHash } from "node:crypto";
import { type AddonContext, createHttp, MulticloudError } from "@multicloud/core/plugin";

/** A download site answers with megabytes at most; slower than this it is as good as down. */
const timeoutMs = 60_000;

/**
 * Fetches a manifest and checks it: against the given checksum, or against the one that was seen first.
 *
 * @throws MulticloudError `ADDON_FAILED` when the checksum is another, naming both
 */
export async function download(
  context: AddonContext,
  addon: string,
  source: { readonly url: string; readonly sha256?: string },
  fetchOption: typeof fetch = fetch,
): Promise<string> {
  const bytes = await fetchBytes(context, addon, source.url, fetchOption);
  const found = createHash("sha256").update(bytes).digest("hex");
  if (source.sha256 === undefined) await pin(context, addon, source.url, found);
  else if (source.sha256.toLowerCase() !== found)
    throw new MulticloudError(
      `${addon}: the manifest at ${source.url} has sha256 ${found}, but ${source.sha256.toLowerCase()} was expected`,
      {
        code: "ADDON_FAILED",
        hint: "the file was changed or cut short; nothing was applied. Check its source, then give the checksum you trust",
      },
    );
  return new TextDecoder().decode(bytes);
}

async function fetchBytes(
  context: AddonContext,
  addon: string,
  url: string,
  fetchOption: typeof fetch,
): Promise<Uint8Array> {
  const { origin, pathname, search } = new URL(url);
  let bytes = new Uint8Array();
  const http = createHttp({
    service: `${addon} manifest`,
    baseURL: origin,
    timeoutMs,
    headers: { accept: "*/*" },
    // Release files are behind redirects to a store of assets. Following them is safe here: no credentials
    // are sent, and what arrives is checked. The bytes are kept as they came, for the checksum.
    fetch: async (input, init) => {
      const response = await fetchOption(input, { ...init, redirect: "follow" });
      if (!response.ok) return response;
      bytes = new Uint8Array(await response.arrayBuffer());
      return new Response(null, { status: response.status, headers: response.headers });
    },
  });
  await http.request({
    path: `${pathname}${search}`,
    signal: context.signal,
    report: (report) => context.report(report),
  });
  return bytes;
}

/** Trust on first use: one line `<sha256>  <url>` for each address, as `sha256sum` writes it. */
async function pin(context: AddonContext, addon: string, url: string, found: string): Promise<void> {
  const key = `addons/${addon}/sha256`;
  const stored = await context.state.read(key);
  const lines = stored === undefined ? [] : new TextDecoder().decode(stored).split("\n").filter(Boolean);
  const known = lines.find((line) => line.slice(66) === url)?.slice(0, 64);
  if (known === found) return;
  if (known !== undefined)
    throw new MulticloudError(
      `${addon}: the manifest at ${url} has sha256 ${found}, but ${known} was expected: it was that when it was first used`,
      {
        code: "ADDON_FAILED",
        hint: `the file was changed; nothing was applied. When you trust the new one, give its sha256 in the addon's manifest option or delete ${key} from the state`,
      },
    );
  await context.state.write(key, `${[...lines, `${found}  ${url}`].join("\n")}\n`);
}
