import type { Problem } from "@multicloud/core/plugin";
import type { RkeConfig } from "../options.js";

/**
 * Values that are of the right type, and that RKE or Kubernetes would refuse in the middle of a run all the
 * same. Source: RKE `cluster/validation.go`; for labels and taints the Kubernetes documentation ("Labels and
 * Selectors", "Taints and Tolerations").
 */
export function findValueProblems(config: RkeConfig): Problem[] {
  return [
    ...upgradeProblems(config.upgrade_strategy),
    ...s3Problems(config.services?.etcd?.backup_config),
    ...registryProblems(config.private_registries),
    ...nodeProblems(config.nodes),
  ];
}

function upgradeProblems(strategy: RkeConfig["upgrade_strategy"]): Problem[] {
  const keys = ["max_unavailable_worker", "max_unavailable_controlplane"] as const;
  const problems = keys.flatMap((key): Problem[] => {
    const given = strategy?.[key];
    if (given === undefined || isShare(given)) return [];
    return [
      {
        path: `upgrade_strategy.${key}`,
        message: "is neither a number of nodes nor a share of them",
        given,
        allowed: ["a whole number from 1", "1% to 100%"],
      },
    ];
  });
  if (strategy?.node_drain_input !== undefined && strategy.drain !== true) {
    problems.push({
      path: "upgrade_strategy.node_drain_input",
      message: "has no effect without drain: true",
    });
  }
  return problems;
}

function isShare(text: string): boolean {
  const [, digits, percent] = /^(\d+)(%?)$/.exec(text) ?? [];
  const value = Number(digits);
  return value >= 1 && (percent !== "%" || value <= 100);
}

type BackupConfig = NonNullable<NonNullable<NonNullable<RkeConfig["services"]>["etcd"]>["backup_config"]>;

function s3Problems(backup: BackupConfig | undefined): Problem[] {
  const path = "services.etcd.backup_config";
  const problems: Problem[] = [];
  for (const key of ["interval_hours", "retention", "timeout"] as const) {
    const given = backup?.[key];
    if (given !== undefined && given < 1)
      problems.push({ path: `${path}.${key}`, message: "must be from 1", given: String(given) });
  }
  const s3 = backup?.s3backupconfig;
  if (!s3) return problems;
  for (const key of ["bucket_name", "endpoint"] as const) {
    if (!s3[key]) problems.push({ path: `${path}.s3backupconfig.${key}`, message: "is needed" });
  }
  if ((s3.access_key === undefined) !== (s3.secret_key === undefined)) {
    problems.push({
      path: `${path}.s3backupconfig`,
      message: "has one of access_key and secret_key without the other",
      hint: "give both; or none, when the masters may use the bucket by their cloud's own identity",
    });
  }
  return problems;
}

function registryProblems(registries: RkeConfig["private_registries"]): Problem[] {
  if (!registries) return [];
  const problems: Problem[] = [];
  const seen = new Set<string>();
  registries.forEach(({ url, user, password }, index) => {
    const path = `private_registries[${index}]`;
    if (!url) problems.push({ path: `${path}.url`, message: "is needed" });
    else if (/^https?:\/\//.test(url)) {
      problems.push({
        path: `${path}.url`,
        message: "is put in front of the images' names, so it has no scheme",
        given: url,
        suggestion: url.replace(/^https?:\/\//, "").replace(/\/$/, ""),
      });
    } else if (seen.has(url)) problems.push({ path: `${path}.url`, message: "is there twice", given: url });
    if (url) seen.add(url);
    if ((user === undefined) !== (password === undefined))
      problems.push({ path, message: "has one of user and password without the other" });
  });
  if (registries.filter((registry) => registry.is_default).length > 1) {
    problems.push({
      path: "private_registries",
      message: "has more than one with is_default: all images come from one of them",
    });
  }
  return problems;
}

// A prefix that is a DNS subdomain, and a name of at most 63 characters.
const qualifiedName =
  /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;

function nodeProblems(nodes: RkeConfig["nodes"]): Problem[] {
  return (nodes ?? []).flatMap(({ labels = {}, taints = [] }, index) => {
    const path = `nodes[${index}]`;
    const problems = Object.entries(labels).flatMap(([key, value]) =>
      pairProblems(`${path}.labels.${key}`, "label", key, value),
    );
    taints.forEach((taint, at) => {
      const own = `${path}.taints[${at}]`;
      if (taint.effect === undefined) {
        problems.push({
          path: `${own}.effect`,
          message: "is needed",
          allowed: ["NoSchedule", "PreferNoSchedule", "NoExecute"],
        });
      }
      problems.push(...pairProblems(own, "taint", taint.key ?? "", taint.value ?? ""));
    });
    return problems;
  });
}

function pairProblems(path: string, what: string, key: string, value: string): Problem[] {
  return [
    ...(qualifiedName.test(key)
      ? []
      : [{ path, message: `has a key that Kubernetes refuses for a ${what}`, given: key }]),
    ...(labelValue.test(value)
      ? []
      : [{ path, message: `has a value that Kubernetes refuses for a ${what}`, given: value }]),
  ];
}
