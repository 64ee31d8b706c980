import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { anyFragment } from "../../test/any-fragment.js";
import type { NodeFragment } from "../contracts/fragment.js";
import { type ApplyEvent, parseApplyLine } from "./apply-report.js";
import { renderApplyScript } from "./apply-script.js";

// Files, directories, commands and reading back need no root: they run here, in every shell that this machine
// has, with the few programs they may use and nothing else. Accounts, packages, services and sudo are tested
// on real hosts (`npm run test:hosts`).
const programs = ["stat", "sha256sum", "mkdir", "chmod", "mv", "rm", "base64", "uname", "nproc"];
const shells = ["dash", "bash"].flatMap((shell) => found(shell) ?? []);

let box: string;
let owner: string;
beforeAll(() => {
  box = mkdtempSync(join(tmpdir(), "multicloud-apply-"));
  const group = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim();
  owner = `${userInfo().username}:${group}`;
  mkdirSync(join(box, "bin"));
  for (const program of programs) symlinkSync(found(program)!, join(box, "bin", program));
  writeFileSync(join(box, "bin", "chown"), `#!${found("sh")}\necho "$@" >>${box}/chown.log\n`, {
    mode: 0o755,
  });
});
afterAll(() => rmSync(box, { recursive: true, force: true }));

describe.skipIf(process.platform !== "linux").each(shells)("the apply script in %s", (shell) => {
  const apply = (fragment: NodeFragment, read: string[] = []) => {
    const script = renderApplyScript(fragment, { read });
    const { status, stdout, stderr } = spawnSync(shell, ["-s"], {
      input: script,
      env: { PATH: join(box, "bin") },
      encoding: "utf8",
    });
    const lines = stdout.split("\n").filter(Boolean);
    const events = lines.map((line) => parseApplyLine(line) ?? { type: "noise" as const, line });
    const of = <T extends ApplyEvent["type"]>(type: T) =>
      events.filter((event): event is Extract<ApplyEvent, { type: T }> => event.type === type);
    return { status, stderr, events, changed: of("changed").map(({ what }) => what), of };
  };
  const scene = () => {
    const root = mkdtempSync(join(box, "root-"));
    return { root, at: (name: string): string => join(root, name) };
  };

  it("makes files and directories, then finds nothing to do", () => {
    const { at } = scene();
    const fragment: NodeFragment = {
      directories: [{ path: at("a b"), mode: "0750", owner }],
      files: [
        { path: at("new dir/it's"), content: "  'quoted' $HOME `x` \\n\n", mode: "0600", owner },
        { path: at("bytes"), content: new Uint8Array([0, 255, 10, 13]), owner },
        { path: at("empty"), content: "", owner },
      ],
    };
    const first = apply(fragment, [at("bytes")]);
    expect(first.changed).toEqual([
      `directory ${at("a b")}`,
      `file ${at("bytes")}`,
      `file ${at("empty")}`,
      `file ${at("new dir/it's")}`,
    ]);
    expect(first.of("done")).toEqual([{ type: "done", checked: 4, changed: 4 }]);
    expect(first.of("facts")[0]?.facts.cpus).toBeGreaterThan(0);
    expect(first.of("file")).toEqual([
      { type: "file", path: at("bytes"), data: Buffer.from([0, 255, 10, 13]) },
    ]);
    expect(readFileSync(at("new dir/it's"), "utf8")).toBe("  'quoted' $HOME `x` \\n\n");
    expect([at("a b"), at("new dir/it's"), at("new dir")].map(modeOf)).toEqual(["750", "600", "755"]);
    expect(first.stderr).toBe("");

    const again = apply(fragment);
    expect(again.of("done")).toEqual([{ type: "done", checked: 4, changed: 0 }]);
  });

  it("repairs mode and content, and only what differs", () => {
    const { at } = scene();
    const files = ["a", "b", "c"].map((name) => ({ path: at(name), content: name, mode: "0640", owner }));
    apply({ files });
    execFileSync("chmod", ["666", at("a")]);
    writeFileSync(at("b"), "other");
    expect(apply({ files }).changed).toEqual([`file ${at("a")}`, `file ${at("b")}`]);
    expect(readFileSync(at("b"), "utf8")).toBe("b");
    expect(modeOf(at("a"))).toBe("640");
  });

  it("overwrites what a killed run left behind", () => {
    const { at } = scene();
    writeFileSync(at("secret.mc-new"), "half", { mode: 0o666 });
    apply({ files: [{ path: at("secret"), content: "whole", mode: "0600", owner }] });
    expect(readFileSync(at("secret"), "utf8")).toBe("whole");
    expect(modeOf(at("secret"))).toBe("600");
    expect(existsSync(at("secret.mc-new"))).toBe(false);
  });

  it("fails with the path where a directory stands in the way of a file", () => {
    const { at } = scene();
    mkdirSync(at("x"));
    const { status, of } = apply({ files: [{ path: at("x"), content: "", owner }] });
    expect(status).toBe(1);
    expect(of("failed")).toEqual([
      { type: "failed", what: `file ${at("x")}: a directory is there`, code: 21 },
    ]);
  });

  it("runs commands in order, when they are needed, apart from the report", () => {
    const { at } = scene();
    const commands = [
      {
        name: "make it",
        run: `echo "@mc\tdone\t0\t0"; echo made; : >${at("it")}`,
        unless: `[ -e ${at("it")} ]`,
      },
      { name: "each time", run: "false; true" },
    ];
    const first = apply({ commands });
    expect(first.changed).toEqual(["command make it", "command each time"]);
    expect(first.stderr).toContain("made");
    expect(first.of("done")).toHaveLength(1);
    expect(apply({ commands }).changed).toEqual(["command each time"]);
  });

  it.each(["exit 3", "if", "sh -c 'exit 3'", "unknown-program"])("stops at a failing command: %s", (run) => {
    const { at } = scene();
    const { status, changed, of } = apply({
      commands: [
        { name: "bad", run },
        { name: "never", run: `: >${at("never")}` },
      ],
    });
    expect(status).toBe(1);
    expect(of("failed")).toMatchObject([{ what: "command bad" }]);
    expect(of("failed")[0]?.code).toBeGreaterThan(0);
    expect(changed).toEqual([]);
    expect(existsSync(at("never"))).toBe(false);
  });

  it("does nothing when it was cut off on its way", () => {
    const { at } = scene();
    const script = renderApplyScript({ files: [{ path: at("x"), content: "x", owner }] });
    for (const part of [0.3, 0.9, 0.99]) {
      spawnSync(shell, ["-s"], {
        input: script.slice(0, script.length * part),
        env: { PATH: join(box, "bin") },
      });
    }
    expect(existsSync(at("x"))).toBe(false);
  });

  it("is a valid script for any fragment", () => {
    fc.assert(
      fc.property(anyFragment(), (fragment) => {
        const { status, stderr } = spawnSync(shell, ["-n"], {
          input: renderApplyScript(fragment),
          encoding: "utf8",
        });
        expect([status, stderr]).toEqual([0, ""]);
      }),
      { numRuns: 25 },
    );
  });
});

function found(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}
