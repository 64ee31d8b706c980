import { gunzipSync } from "node:zlib";
import { parse } from "yaml";

/** User data as cloud-init understood it. */
export interface UserData {
  /** The cloud-config; empty when there is none. */
  readonly config: Readonly<Record<string, unknown>>;
  /** A `#!` script, run at the end of the first boot. */
  readonly script?: string;
  /** What `cloud-init schema` has against it. */
  readonly warnings: readonly string[];
}

const anything = undefined;
/** Top-level keys of cloud-config and, for lists of objects, the keys of their items. https://cloudinit.readthedocs.io/en/latest/reference/modules.html */
const known: Readonly<Record<string, readonly string[] | undefined>> = {
  ...Object.fromEntries(
    (
      "allow_public_ssh_keys ansible apk_repos apt apt_pipelining apt_reboot_if_required apt_update apt_upgrade authkey_hash autoinstall bootcmd byobu_by_default ca_certs ca-certs chef chpasswd cloud_config_modules cloud_final_modules cloud_init_modules " +
      "create_hostname_file datasource device_aliases disable_ec2_metadata disable_root disable_root_opts disk_setup drivers fan final_message fqdn fs_setup groups growpart grub_dpkg grub-dpkg hostname keyboard landscape launch-index locale locale_configfile lxd " +
      "manage_etc_hosts manage_resolv_conf mcollective merge_how merge_type migrate mount_default_fields mounts network no_ssh_fingerprints ntp output package_reboot_if_required package_update package_upgrade packages password phone_home power_state " +
      "prefer_fqdn_over_hostname preserve_hostname puppet random_seed reporting resize_rootfs resolv_conf rh_subscription rsyslog runcmd salt_minion sensitive snap spacewalk ssh ssh_authorized_keys ssh_deletekeys ssh_fp_console_blacklist ssh_genkeytypes " +
      "ssh_import_id ssh_key_console_blacklist ssh_keys ssh_publish_hostkeys ssh_pwauth ssh_quiet_keygen swap system_info timezone ubuntu_advantage updates user users vendor_data version wireguard write_files yum_repo_dir yum_repos zypper"
    )
      .split(" ")
      .map((key) => [key, anything]),
  ),
  users:
    "name doas expiredate gecos groups homedir hashed_passwd inactive lock_passwd no_create_home no_log_init no_user_group passwd plain_text_passwd primary_group selinux_user shell snapuser ssh_authorized_keys ssh_import_id ssh_redirect_user sudo system uid create_groups".split(
      " ",
    ),
  write_files: "path content source owner permissions encoding append defer".split(" "),
};

const lists = ["users", "write_files", "packages", "bootcmd", "ssh_authorized_keys", "ssh_genkeytypes"];

/** Reads user data: plain or gzip, `#cloud-config` or a `#!` script. Anything else is ignored with a warning, as the real one does. */
export function readUserData(data: string | Uint8Array | undefined): UserData {
  if (data === undefined || data.length === 0) return { config: {}, warnings: [] };
  const bytes = Buffer.from(data as Uint8Array);
  let text: string;
  try {
    text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8");
  } catch {
    return { config: {}, warnings: ["the user data looks like gzip but cannot be unpacked"] };
  }
  if (text.startsWith("#!")) return { config: {}, script: text, warnings: [] };
  if (!/^#cloud-config\s*(\n|$)/.test(text)) {
    return {
      config: {},
      warnings: [`Unhandled non-multipart (text/x-not-multipart) userdata: '${text.slice(0, 24)}...'`],
    };
  }
  let config: unknown;
  try {
    // PyYAML reads YAML 1.1: 0644 is a number, yes is a truth value.
    config = parse(text, { version: "1.1" });
  } catch (error) {
    return {
      config: {},
      warnings: [`Failed loading yaml blob. Invalid format: ${(error as Error).message.split("\n")[0]}`],
    };
  }
  if (config === null || config === undefined) return { config: {}, warnings: [] };
  if (typeof config !== "object" || Array.isArray(config))
    return {
      config: {},
      warnings: ["Failed loading yaml blob. Yaml load allows (<class 'dict'>,) root types"],
    };
  return {
    config: config as Record<string, unknown>,
    warnings: checkConfig(config as Record<string, unknown>),
  };
}

function checkConfig(config: Readonly<Record<string, unknown>>): string[] {
  const warnings: string[] = [];
  for (const [key, value] of Object.entries(config)) {
    if (!(key in known)) {
      warnings.push(
        `Invalid cloud-config provided: Additional properties are not allowed ('${key}' was unexpected)`,
      );
      continue;
    }
    if (lists.includes(key) && !Array.isArray(value) && key !== "users")
      warnings.push(`Invalid cloud-config provided: ${key}: ${JSON.stringify(value)} is not of type 'array'`);
    const fields = known[key];
    if (!fields || !Array.isArray(value)) continue;
    for (const [index, item] of value.entries()) {
      if (typeof item !== "object" || item === null) continue;
      for (const field of Object.keys(item)) {
        if (!fields.includes(field))
          warnings.push(
            `Invalid cloud-config provided: ${key}.${index}: Additional properties are not allowed ('${field}' was unexpected)`,
          );
      }
    }
  }
  if (Array.isArray(config.ssh_genkeytypes) && config.ssh_genkeytypes.length === 0)
    warnings.push("Invalid cloud-config provided: ssh_genkeytypes: [] should be non-empty");
  return warnings;
}
