import type { RawAnswer, RawRequest, Server } from "./servers.js";

/** Sends one request and notes its answer. */
export type Ask = (request: RawRequest) => Promise<RawAnswer>;

/** What one server answered to a case's requests, without what differs by nature. */
export async function answersOf(server: Server, play: (ask: Ask) => Promise<void>): Promise<unknown[]> {
  const answers: unknown[] = [];
  await play(async (request) => {
    const answer = await server.request(request);
    const { warning, "retry-after": retryAfter } = answer.headers;
    const [contentType] = String(answer.headers["content-type"] ?? "").split(";");
    answers.push({
      request: `${request.method} ${request.path}`,
      status: answer.status,
      contentType,
      ...(warning === undefined ? {} : { warning }),
      ...(retryAfter === undefined ? {} : { retryAfter }),
      body: neutral(answer.body),
    });
    return answer;
  });
  return answers;
}

// What the controllers of the real one count in annotations.
const counted = /deprecated\.daemonset\.template\.generation$|deployment\.kubernetes\.io\/revision$/;

const replacements: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uid>"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>"],
  [/10\.43\.\d+\.\d+/g, "<address>"],
  [/ecord \(\d+\)|precondition \(\d+\)/g, "<version>"],
  // What Go's own parsers say of a text.
  [/json parse error: .*|(continue key is not valid|parsing time "[^"]*" as "[^"]*"): .*/g, "<parser>"],
  [/ in scheme "[^"]*"/g, ""],
  // The whole object, in the order that Go has its fields in.
  [/(^| )Invalid value: "\{.*/g, " <object>"],
];

/** Whether a member holds nothing but such annotations, or who owns them. */
function isOnlyCounted(key: string, member: unknown): boolean {
  if (counted.test(key)) return true;
  const names = typeof member === "object" && member !== null ? Object.entries(member) : [];
  return (
    names.some(([name]) => name !== ".") &&
    names.every(([name, one]) => name === "." || isOnlyCounted(name, one))
  );
}

/** The same with what is another in each cluster put out: ids, versions, times, addresses. */
function neutral(value: unknown, name = ""): unknown {
  if (typeof value === "string") {
    if (name === "resourceVersion") return "<version>";
    return replacements.reduce((text, [pattern, word]) => text.replace(pattern, word), value);
  }
  if (Array.isArray(value)) {
    const items = value
      .filter((item) => name !== "managedFields" || item?.manager !== "kube-controller-manager")
      .map((item) => neutral(item));
    // Kept by time, of which the two have different amounts.
    return name === "managedFields"
      ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const isObject = "spec" in value && "metadata" in value;
  return Object.fromEntries(
    Object.entries(value)
      // Which containers of its fields an update owns itself depends on Go's zero values, and nobody reads it.
      .filter(([key]) => key !== ".")
      // Controllers write it, and the emulator's have a time of their own.
      .filter(([key, member]) => !(isObject && key === "status") && !isOnlyCounted(key, member))
      .map(([key, member]) => [key, neutral(member, key)]),
  );
}
