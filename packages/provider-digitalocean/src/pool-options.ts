import { type MachineShape, nearest, type Problem } from "@multicloud/core/plugin";

const known = ["reservedIp", "volume"];
const filesystems = ["ext4", "xfs"];
const largestVolumeGiB = 16_384;

/** What is wrong with the `providerOptions` of a machine's pool. */
export function optionProblems({ role, providerOptions = {} }: MachineShape): Problem[] {
  const at = `${role}s.providerOptions`;
  return Object.entries(providerOptions).flatMap(([name, value]): Problem[] => {
    if (!known.includes(name)) return [unknown(`${at}.${name}`, name, known)];
    if (name === "volume") return volumeProblems(`${at}.volume`, value);
    if (typeof value === "boolean") return [];
    return [{ path: `${at}.${name}`, message: "must be true or false", given: String(value) }];
  });
}

function volumeProblems(path: string, value: unknown): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [
      { path, message: "must be an object", given: String(value), hint: "for example { sizeGiB: 100 }" },
    ];
  }
  const { sizeGiB, filesystem, ...rest } = value as Record<string, unknown>;
  const problems = Object.keys(rest).map((name) =>
    unknown(`${path}.${name}`, name, ["sizeGiB", "filesystem"]),
  );
  if (!Number.isInteger(sizeGiB) || Number(sizeGiB) < 1 || Number(sizeGiB) > largestVolumeGiB) {
    problems.push({
      path: `${path}.sizeGiB`,
      message: "must be a whole number of GiB",
      given: String(sizeGiB),
      allowed: [`1 to ${largestVolumeGiB}`],
    });
  }
  if (filesystem !== undefined && !filesystems.includes(String(filesystem))) {
    const suggestion = nearest(String(filesystem), filesystems);
    problems.push({
      path: `${path}.filesystem`,
      message: "unknown file system",
      given: String(filesystem),
      allowed: filesystems,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
  return problems;
}

function unknown(path: string, given: string, allowed: readonly string[]): Problem {
  const suggestion = nearest(given, allowed);
  return {
    path,
    message: "unknown option",
    given,
    allowed,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}
