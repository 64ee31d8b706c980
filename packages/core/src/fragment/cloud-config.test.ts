import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { anyFragment } from "../../test/any-fragment.js";
import { cloudConfigDigest, renderCloudConfig } from "./cloud-config.js";
import { mergeFragments } from "./merge-fragments.js";
import { placedFiles } from "./placed-files.js";

const hostKey = {
  privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
  publicKey: "ssh-ed25519 AAAA",
};

describe("renderCloudConfig", () => {
  it("gives the machine its host key and leaves no other", () => {
    const document = parse(renderCloudConfig({}, { hostKey }));
    expect(document).toEqual({
      ssh_deletekeys: true,
      ssh_keys: { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey },
    });
  });

  it("keeps the cloud's own user and adds ours", () => {
    const { users } = parse(
      renderCloudConfig(
        { users: [{ name: "op", groups: ["docker"] }] },
        { user: { name: "op", sudo: true } },
      ),
    );
    expect(users).toEqual([
      "default",
      {
        name: "op",
        shell: "/bin/bash",
        lock_passwd: true,
        groups: ["docker"],
        sudo: "ALL=(ALL:ALL) NOPASSWD:ALL",
      },
    ]);
  });

  it("places settings before the package starts its daemon, and files of its user after", () => {
    const { write_files, runcmd } = parse(
      renderCloudConfig({
        packages: ["zerotier-one"],
        files: [
          { path: "/var/lib/zerotier-one/local.conf", content: "{}\n" },
          { path: "/var/lib/zerotier-one/x", content: "x", owner: "zerotier-one:zerotier-one" },
        ],
        services: [{ name: "zerotier-one", restartOn: ["/var/lib/zerotier-one/x"] }, { name: "docker" }],
      }),
    );
    expect(write_files).toMatchObject([{ path: "/var/lib/zerotier-one/local.conf" }, { defer: true }]);
    expect(write_files[0]).not.toHaveProperty("defer");
    expect(runcmd).toEqual([
      "set -e",
      "systemctl enable --now docker zerotier-one",
      "systemctl restart zerotier-one",
    ]);
  });

  it("adds an APT source with its own key, without gpg", () => {
    const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----";
    const source = "deb https://download.example.org/debian/bookworm bookworm main";
    const { write_files } = parse(renderCloudConfig({ aptSources: [{ name: "example", source, key }] }));
    expect(write_files).toMatchObject([
      { path: "/etc/apt/keyrings/example.asc", content: `${key}\n` },
      {
        path: "/etc/apt/sources.list.d/example.list",
        content:
          "deb [signed-by=/etc/apt/keyrings/example.asc] https://download.example.org/debian/bookworm bookworm main\n",
      },
    ]);
  });

  it("reads back the same in YAML 1.1 and 1.2, byte for byte, and is stable", () => {
    fc.assert(
      fc.property(anyFragment(), (fragment) => {
        const text = renderCloudConfig(fragment, { hostKey });
        expect(text.startsWith("#cloud-config\n")).toBe(true);
        const [old, current] = ["1.1", "1.2"].map((version) => parse(text, { version: version as "1.1" }));
        expect(old).toEqual(current);
        const files = (old.write_files ?? []).map(
          (file: { path: string; content: string; encoding?: string }) => ({
            path: file.path,
            content: Buffer.from(file.content, file.encoding === "b64" ? "base64" : "utf8").toString("hex"),
          }),
        );
        const merged = mergeFragments([fragment]);
        expect(files).toEqual(
          placedFiles(merged).map(({ path, content }) => ({
            path,
            content: Buffer.from(content).toString("hex"),
          })),
        );
        expect(old.packages ?? []).toEqual(merged.packages);
        expect(renderCloudConfig(merged, { hostKey })).toBe(text);
      }),
    );
  });
});

describe("cloudConfigDigest", () => {
  it("is the same for equal wishes and another for another wish", () => {
    const digest = cloudConfigDigest({ packages: ["curl", "acl"] });
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(cloudConfigDigest({ packages: ["acl", "curl", "acl"] })).toBe(digest);
    expect(cloudConfigDigest({ packages: ["acl"] })).not.toBe(digest);
    expect(cloudConfigDigest({ packages: ["acl", "curl"] }, { user: { name: "op" } })).not.toBe(digest);
  });
});
