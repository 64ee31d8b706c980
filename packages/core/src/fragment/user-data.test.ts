import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { renderCloudConfig } from "./cloud-config.js";
import { fitUserData } from "./user-data.js";

const text = renderCloudConfig({
  files: [
    { path: "/etc/large", content: "abcdefgh\n".repeat(500) },
    { path: "/etc/small", content: "x".repeat(100) },
  ],
  commands: [{ name: "long", run: "echo y\n".repeat(100) }],
});

describe("fitUserData", () => {
  it("leaves what fits as it is", () => {
    expect(fitUserData(text, { maxBytes: Buffer.byteLength(text), gzip: true })).toBe(text);
  });

  it("gzips what does not fit, always to the same bytes", () => {
    const packed = fitUserData(text, { maxBytes: 2000, gzip: true });
    expect(gunzipSync(packed).toString()).toBe(text);
    expect([...(packed as Uint8Array).subarray(0, 10)]).toEqual([31, 139, 8, 0, 0, 0, 0, 0, 2, 255]);
    expect(fitUserData(text, { maxBytes: 2000, gzip: true })).toEqual(packed);
  });

  it("says what is too large, how large, and what to leave out", () => {
    const size = Buffer.byteLength(text);
    expect(() => fitUserData(text, { maxBytes: 2000, gzip: false })).toThrow(
      `too large: ${size} bytes; the provider takes 2000. Largest parts: /etc/large (4500 bytes), command`,
    );
    expect(() => fitUserData(text, { maxBytes: 100, gzip: true })).toThrow(
      /bytes, \d+ gzipped; the provider takes 100/,
    );
  });
});
