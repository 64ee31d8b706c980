import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyFragment } from "../../test/any-fragment.js";
import type { NodeFragment } from "../contracts/fragment.js";
import type { ValidationError } from "../errors/multicloud-error.js";
import { mergeFragments } from "./merge-fragments.js";

const refusal = (...contributions: Parameters<typeof mergeFragments>[0]): ValidationError => {
  try {
    mergeFragments(contributions);
  } catch (error) {
    return error as ValidationError;
  }
  throw new Error("nothing was refused");
};

describe("mergeFragments", () => {
  it("unites packages, users and services, and fills in defaults", () => {
    const merged = mergeFragments([
      {
        packages: ["open-iscsi", "curl"],
        users: [{ name: "debian", groups: ["docker"] }],
        services: [{ name: "docker" }],
      },
      {
        packages: ["curl"],
        users: [{ name: "debian", sudo: true, groups: ["adm"], authorizedKeys: ["ssh-ed25519 AAAA me"] }],
        services: [{ name: "docker", restartOn: ["/etc/docker/daemon.json"] }],
        files: [{ path: "/etc/motd", content: "hello\n" }],
      },
    ]);
    expect(merged.packages).toEqual(["curl", "open-iscsi"]);
    expect(merged.users).toEqual([
      { name: "debian", groups: ["adm", "docker"], sudo: true, authorizedKeys: ["ssh-ed25519 AAAA me"] },
    ]);
    expect(merged.services).toEqual([{ name: "docker", restartOn: ["/etc/docker/daemon.json"] }]);
    expect(merged.files).toEqual([
      { path: "/etc/motd", content: "hello\n", mode: "0644", owner: "root:root" },
    ]);
  });

  it("names both contributors of every contradiction, all at once", () => {
    const { code, problems } = refusal(
      {
        from: "engine rke",
        fragment: { files: [{ path: "/etc/a", content: "1" }], sysctl: { "vm.max_map_count": "1" } },
      },
      {
        from: "addon longhorn",
        fragment: { files: [{ path: "/etc/a", content: "2" }], sysctl: { "vm.max_map_count": "2" } },
      },
    );
    expect(code).toBe("CONFIG_INVALID");
    expect(problems.map(({ path, message }) => [path, message])).toEqual([
      ["files./etc/a", "engine rke and addon longhorn want it differently"],
      ["sysctl.vm.max_map_count", "engine rke and addon longhorn want it differently"],
    ]);
  });

  it("takes one wish from two contributors, as text or as bytes", () => {
    const content = "same\n";
    const merged = mergeFragments([
      { files: [{ path: "/etc/a", content, mode: "644" }] },
      { files: [{ path: "/etc/a", content: new TextEncoder().encode(content), owner: "root:root" }] },
    ]);
    expect(merged.files).toHaveLength(1);
  });

  it("refuses one path as a file and as something else", () => {
    const { problems } = refusal(
      { directories: [{ path: "/opt/x" }] },
      {
        files: [
          { path: "/opt/x", content: "" },
          { path: "/etc/sudoers.d/90-multicloud-op", content: "" },
        ],
      },
      { users: [{ name: "op", sudo: true }] },
    );
    expect(problems.map(({ path }) => path)).toEqual([
      "files./etc/sudoers.d/90-multicloud-op",
      "files./opt/x",
    ]);
  });

  it.each<[string, NodeFragment]>([
    ["files.0.path", { files: [{ path: "etc/x", content: "" }] }],
    ["files.0.path", { files: [{ path: "/etc/../x", content: "" }] }],
    ["files.0.path", { files: [{ path: "/etc/x\n/etc/y", content: "" }] }],
    ["files.0.mode", { files: [{ path: "/x", content: "", mode: "rw-r--r--" }] }],
    ["files.0.owner", { files: [{ path: "/x", content: "", owner: "root" }] }],
    ["packages.0", { packages: ["-o=Evil::x"] }],
    ["users.0.name", { users: [{ name: "Robert'); --" }] }],
    [
      "users.0.authorizedKeys.0",
      { users: [{ name: "op", authorizedKeys: ["ssh-ed25519 A\nssh-ed25519 B"] }] },
    ],
    ["sysctl.vm", { sysctl: { vm: "1" } }],
    ["services.0.name", { services: [{ name: "a b" }] }],
    ["commands.0.name", { commands: [{ name: "a\tb", run: "true" }] }],
    [
      "aptSources.0.source",
      { aptSources: [{ name: "x", source: "deb [trusted=yes] https://x y z", key: pgp() }] },
    ],
  ])("refuses a wrong %s", (path, fragment) => {
    expect(refusal({ from: "boot", fragment }).problems).toMatchObject([
      { path, message: expect.stringContaining("boot") },
    ]);
  });

  it("changes nothing when repeated, and does not depend on the order of contributors", () => {
    fc.assert(
      fc.property(anyFragment(), anyFragment(), (one, other) => {
        const merged = mergeFragments([one, other]);
        expect(mergeFragments([merged, merged])).toEqual(merged);
        const turned = mergeFragments([other, one]);
        const names = (commands: typeof merged.commands): string[] => commands.map(({ name }) => name).sort();
        expect({ ...turned, commands: names(turned.commands) }).toEqual({
          ...merged,
          commands: names(merged.commands),
        });
      }),
    );
  });
});

function pgp(): string {
  return "-----BEGIN PGP PUBLIC KEY BLOCK-----\n-----END PGP PUBLIC KEY BLOCK-----\n";
}
