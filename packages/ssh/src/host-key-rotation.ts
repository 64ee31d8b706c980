import { parsePublicKey } from "./keys/public-key.js";
import type { ExecResult, SshHost } from "./remote-host.js";
import { shellQuote } from "./shell-quote.js";
import { SshError } from "./ssh-error.js";

// Two steps, so that at every moment the caller knows each key that the host may present:
//
//   1. prepare: the host makes new keys aside and names their public halves; sshd does not use them yet.
//   2. the caller stores old and new as accepted.
//   3. activate: the new keys replace all others. From here the host presents only new ones.
//   4. the caller stores the new ones alone.
//
// Each step can be repeated, and cut off anywhere. The scripts are POSIX sh for root. Programs: cat, chmod,
// mkdir, mv, rm, ssh-keygen, systemctl, or kill where systemd does not run; built in: test, printf, umask,
// case. No network, no temporary files elsewhere.

const types = ["ed25519", "ecdsa"] as const;

/** Where the scripts work; the defaults are right for OpenSSH on any Linux distribution. */
export interface RotationScriptOptions {
  /** Folder of sshd's host keys. Default `/etc/ssh`. */
  readonly directory?: string;
  /** Default `/etc/cloud/cloud.cfg.d`; not used when it does not exist. */
  readonly cloudConfigDirectory?: string;
  /** Command that makes sshd read its keys again without dropping connections. Default: systemd's reload, else `SIGHUP`. */
  readonly reload?: string;
}

/** Options of {@link prepareHostKeys} and {@link activateHostKeys}. */
export interface RotationOptions extends RotationScriptOptions {
  /** Run the script through sudo. Default true. */
  readonly sudo?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Shell text that makes fresh host keys (ed25519 and ECDSA P-256) in a folder that only root can open, unless
 * they are there already, and prints their public lines. Runs in a subshell: exit code 0, or not and a reason
 * on standard error.
 */
export function prepareHostKeysScript(options: RotationScriptOptions = {}): string {
  const { pending } = paths(options);
  return `(
umask 077
pending=${pending}
if ! test -d "$pending"; then
  # Complete or not there at all: the folder gets its name last.
  rm -rf "$pending.new" && mkdir "$pending.new" || exit 1
  for type in ${types.join(" ")}; do
    ssh-keygen -q -t "$type" -N '' -C '' -f "$pending.new/ssh_host_\${type}_key" < /dev/null || exit 1
  done
  mv "$pending.new" "$pending" || exit 1
fi
cat ${types.map((type) => `"$pending/ssh_host_${type}_key.pub"`).join(" ")}
)`;
}

/**
 * Shell text that puts the prepared host keys into use, removes every other host key (the one-time key too),
 * keeps cloud-init from making others, reloads sshd, and prints `activated`. Does and prints nothing when no
 * keys are pending. Runs in a subshell like {@link prepareHostKeysScript}.
 */
export function activateHostKeysScript(options: RotationScriptOptions = {}): string {
  const { directory, pending, cloudConfig } = paths(options);
  const kept = types.flatMap((type) => [`ssh_host_${type}_key`, `ssh_host_${type}_key.pub`]);
  const reload =
    options.reload ??
    `if test -d /run/systemd/system; then
    systemctl reload ssh 2> /dev/null || systemctl reload sshd
  else
    kill -HUP "$(cat /run/sshd.pid)"
  fi`;
  return `(
umask 077
keys=${directory}
pending=${pending}
cloud=${cloudConfig}
if test -d "$pending.old"; then rm -rf "$pending.old" || exit 1; fi
if test -d "$pending"; then
  if test -d "$cloud"; then
    printf 'ssh_deletekeys: false\\nssh_genkeytypes: [${types.join(", ")}]\\n' > "$cloud/99-multicloud-host-keys.cfg.new" &&
      chmod 644 "$cloud/99-multicloud-host-keys.cfg.new" &&
      mv -f "$cloud/99-multicloud-host-keys.cfg.new" "$cloud/99-multicloud-host-keys.cfg" || exit 1
  fi
  for type in ${types.join(" ")}; do
    key="ssh_host_\${type}_key"
    if test -f "$pending/$key"; then
      chmod 600 "$pending/$key" && mv -f "$pending/$key" "$keys/$key" || exit 1
    fi
    # Copied, not moved: the public halves tell a repeat what to finish.
    cat "$pending/$key.pub" > "$keys/$key.pub.new" && chmod 644 "$keys/$key.pub.new" &&
      mv -f "$keys/$key.pub.new" "$keys/$key.pub" || exit 1
  done
  for file in "$keys"/ssh_host_*_key*; do
    case "$file" in
      ${kept.map((name) => `"$keys"/${name}`).join(" | ")}) ;;
      *) rm -f "$file" || exit 1 ;;
    esac
  done
  ${reload} || exit 1
  # Nothing is pending from this rename on, however far the removal comes.
  mv "$pending" "$pending.old" && rm -rf "$pending.old" || exit 1
  printf 'activated\\n'
fi
)`;
}

/**
 * Step 1: has the host make fresh host keys, not in use yet, and returns their public lines without comments.
 * A repeat before {@link activateHostKeys} returns the same keys, a repeat after it begins a new rotation.
 * One round trip. Rejects with `COMMAND_FAILED`, and like `exec`.
 */
export async function prepareHostKeys(host: SshHost, options: RotationOptions = {}): Promise<string[]> {
  const result = await run(host, prepareHostKeysScript(options), "make new host keys", options);
  const keys = result.stdout
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => parsePublicKey(line).line);
  if (keys.length !== types.length) throw failure(host, "make new host keys", result);
  return keys;
}

/**
 * Step 2: puts the keys of {@link prepareHostKeys} into use and removes all others. Call it only after storing
 * the new keys as accepted. This connection stays. Returns whether there was something to do. One round trip.
 * Rejects with `COMMAND_FAILED`, and like `exec`; then call it again.
 */
export async function activateHostKeys(host: SshHost, options: RotationOptions = {}): Promise<boolean> {
  const result = await run(host, activateHostKeysScript(options), "use its new host keys", options);
  return result.stdout.includes("activated");
}

async function run(
  host: SshHost,
  script: string,
  what: string,
  options: RotationOptions,
): Promise<ExecResult> {
  const { sudo = true, signal } = options;
  const result = await host.exec(script, { sudo, timeoutMs: 60_000, ...(signal && { signal }) });
  if (result.code !== 0) throw failure(host, what, result);
  return result;
}

function failure(host: SshHost, what: string, result: ExecResult): SshError {
  const detail = result.stderr.trim() || `exit code ${result.code ?? result.signal}`;
  return new SshError(`${host.address} could not ${what}: ${detail}`, {
    code: "COMMAND_FAILED",
    hint: "The login user needs passwordless sudo, and the host OpenSSH's ssh-keygen.",
  });
}

function paths(options: RotationScriptOptions) {
  const directory = options.directory ?? "/etc/ssh";
  return {
    directory: shellQuote(directory),
    pending: shellQuote(`${directory}/multicloud-pending`),
    cloudConfig: shellQuote(options.cloudConfigDirectory ?? "/etc/cloud/cloud.cfg.d"),
  };
}
