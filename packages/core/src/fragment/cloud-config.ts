import { createHash } from "node:crypto";
import { Document, Scalar, visit } from "yaml";
import type { NodeFragment, NodeUser } from "../contracts/fragment.js";
import { type MergedFragment, mergeFragments } from "./merge-fragments.js";
import { type PlacedFile, placedFiles, plainText, sysctlFile } from "./placed-files.js";
import { shellQuote, shellWords } from "./shell-quote.js";

/** What a cloud-config document holds besides the fragment. */
export interface CloudConfigOptions {
  /** The user that core logs in as; united with a user of that name in the fragment. */
  readonly user?: NodeUser;
  /**
   * One-time host key that the node must present at first contact: an OpenSSH private key (PEM) and its
   * one-line public key. Every other host key of the image is deleted.
   */
  readonly hostKey?: { readonly privateKey: string; readonly publicKey: string };
}

/**
 * A fragment as a cloud-config document (https://cloudinit.readthedocs.io/en/latest/reference/modules.html).
 * Equal input gives equal text.
 *
 * cloud-init's order is: `write_files`, users, packages, deferred `write_files`, `runcmd`. So files owned by
 * root are there before a package starts its daemon, and files of other owners are deferred until the package
 * that makes the owner is installed. Directories, kernel settings, services and commands follow in `runcmd`,
 * which stops at the first failure so that `cloud-init status` tells of it.
 *
 * @throws ValidationError when the fragment is wrong in itself.
 */
export function renderCloudConfig(fragment: NodeFragment, options: CloudConfigOptions = {}): string {
  const merged = mergeFragments([fragment, options.user ? { users: [options.user] } : {}]);
  const files = placedFiles(merged);
  const { hostKey } = options;
  const document = new Document({
    // Without `ssh_genkeytypes: []`: keys that are given are the only ones made, and cloud-init's schema refuses an empty list.
    ...(hostKey && {
      ssh_deletekeys: true,
      ssh_keys: {
        ed25519_private: `${hostKey.privateKey.trim()}\n`,
        ed25519_public: hostKey.publicKey.trim(),
      },
    }),
    ...(merged.users.length > 0 && { users: ["default", ...merged.users.map(cloudUser)] }),
    ...(merged.packages.length > 0 && { package_update: true, packages: merged.packages }),
    ...(files.length > 0 && { write_files: files.map(cloudFile) }),
    ...runcmd(merged, files),
  });
  visit(document, { Scalar: quoteForYaml11 });
  return `#cloud-config\n${document.toString({ lineWidth: 0, indentSeq: false })}`;
}

/**
 * SHA-256 (hex) of the document without the one-time host key: equal for machines that would boot alike,
 * and part of a machine's spec.
 */
export function cloudConfigDigest(
  fragment: NodeFragment,
  options: Pick<CloudConfigOptions, "user"> = {},
): string {
  const text = renderCloudConfig(fragment, options.user ? { user: options.user } : {});
  return createHash("sha256").update(text).digest("hex");
}

function cloudUser(user: NodeUser): Record<string, unknown> {
  return {
    name: user.name,
    shell: "/bin/bash",
    lock_passwd: true,
    ...(user.groups?.length && { groups: user.groups }),
    // The drop-in that the apply script looks for is among the files; this one works from the first login on.
    ...(user.sudo && { sudo: "ALL=(ALL:ALL) NOPASSWD:ALL" }),
    ...(user.authorizedKeys?.length && { ssh_authorized_keys: user.authorizedKeys }),
  };
}

function cloudFile(file: PlacedFile): Record<string, unknown> {
  const text = plainText(file.content);
  return {
    path: file.path,
    permissions: file.mode,
    owner: file.owner,
    ...(file.afterPackages && { defer: true }),
    ...(text === undefined && { encoding: "b64" }),
    content: text ?? Buffer.from(file.content).toString("base64"),
  };
}

function runcmd(fragment: MergedFragment, files: readonly PlacedFile[]): { runcmd?: string[] } {
  const late = new Set(files.filter((file) => file.afterPackages).map((file) => file.path));
  const lines: string[] = [];
  for (const { path, mode, owner } of fragment.directories) {
    const word = shellQuote(path);
    lines.push(`mkdir -p ${word} && chown ${owner} ${word} && chmod ${mode} ${word}`);
  }
  if (Object.keys(fragment.sysctl).length > 0) {
    // A key that this kernel has not (a module not loaded yet) must not end the boot; the apply script reports it.
    lines.push(`sysctl -q -p ${sysctlFile} || true`);
  }
  if (fragment.services.length > 0) {
    lines.push(`systemctl enable --now ${shellWords(fragment.services.map((service) => service.name))}`);
  }
  const restart = fragment.services.filter((service) => service.restartOn?.some((path) => late.has(path)));
  if (restart.length > 0) {
    lines.push(`systemctl restart ${shellWords(restart.map((service) => service.name))}`);
  }
  for (const { run, unless } of fragment.commands) {
    const command = `(\nset +e\n${run}\n)`;
    lines.push(unless === undefined ? command : `if ! (\n${unless}\n) >/dev/null 2>&1; then ${command}; fi`);
  }
  return lines.length > 0 ? { runcmd: ["set -e", ...lines] } : {};
}

/**
 * cloud-init reads YAML 1.1 (PyYAML), where `on`, `0644`, `1:30` or `1e3` are no strings. Words without digits
 * and paths stay plain, everything else is quoted or a literal block.
 */
function quoteForYaml11(key: unknown, node: Scalar): void {
  const { value } = node;
  if (typeof value !== "string" || key === "key") return;
  if (value.includes("\n") && /^\S/.test(value) && !/[ \t](\n|$)/.test(value))
    node.type = Scalar.BLOCK_LITERAL;
  else if (plainInEveryYaml.test(value) && !boolean.test(value)) node.type = Scalar.PLAIN;
  else node.type = Scalar.QUOTE_DOUBLE;
}

const plainInEveryYaml = /^(\/[\w/.+@-]+|[A-Za-z][A-Za-z_-]*)$/;
const boolean = /^(y|n|yes|no|on|off|true|false|null)$/i;
