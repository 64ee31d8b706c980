import type { DnsEntrypoint, OpenRecord } from "@multicloud/core/plugin";
import type { Fault } from "./fault.js";

/** A program whose `openRecord` is another one's, spoilt. What spoils it becomes text: it may use nothing from around it. */
function spoilt(program: string, spoil: (open: OpenRecord) => OpenRecord): string {
  const exported = /export\s*\{\s*(\w+)(?:\s+as\s+openRecord)?\s*\};?/;
  if (!exported.test(program)) throw new Error("the program does not export openRecord as it used to");
  return program.replace(exported, (_, name: string) => `export const openRecord = (${spoil})(${name});`);
}

/** Changes the program of the half in the cluster. */
const inProgram =
  (change: (program: string, token: string) => string) =>
  ({ inCluster }: DnsEntrypoint): Partial<DnsEntrypoint> => ({
    inCluster: {
      ...inCluster!,
      program: async () => change(await inCluster!.program(), inCluster!.secrets().token!),
    },
  });

/** Changes what that program exports. */
const inAgent = (spoil: (open: OpenRecord) => OpenRecord) => inProgram((program) => spoilt(program, spoil));

const inSettings =
  (more: (token: string) => Readonly<Record<string, unknown>>) =>
  ({ inCluster }: DnsEntrypoint): Partial<DnsEntrypoint> => ({
    inCluster: {
      ...inCluster!,
      settings: { ...inCluster!.settings, ...more(inCluster!.secrets().token!) },
    },
  });

/** Faults of the half in the cluster. */
export const inClusterFaults: readonly Fault[] = [
  [
    "imports a package",
    "its program is one ES module",
    inProgram((program) => `import "cloudflare";\n${program}`),
  ],
  [
    "imports a package once it is needed",
    "its program is one ES module",
    inProgram((program) => `${program}\nexport const later = () => import("cloudflare");`),
  ],
  [
    "needs WebAssembly",
    "its program is one ES module",
    inProgram((program) => `${program}\nWebAssembly.validate(new Uint8Array());`),
  ],
  [
    "uses fetch",
    "its program is one ES module",
    inAgent((open) => (context) => {
      const record = open(context);
      return {
        ...record,
        async set(addresses, signal) {
          await fetch("http://127.0.0.1:1/").catch(() => {});
          return record.set(addresses, signal);
        },
      };
    }),
  ],
  ["puts its token into the settings", "its settings are plain JSON", inSettings((token) => ({ token }))],
  [
    "has settings that are no JSON",
    "its settings are plain JSON",
    inSettings(() => ({ since: new Date(0) })),
  ],
  [
    "puts its token into the program",
    "its settings are plain JSON",
    inProgram((program, token) => `${program}\n// ${token}`),
  ],
  [
    "keeps a record with a mark of its own",
    "it reads and writes the same record",
    inAgent((open) => (context) => open({ ...context, cluster: `${context.cluster}-agent` })),
  ],
  [
    "says that it wrote when it did not",
    "it writes nothing when nothing changed",
    inAgent((open) => (context) => {
      const record = open(context);
      return { ...record, set: (addresses, signal) => record.set(addresses, signal).then(() => true) };
    }),
  ],
  [
    "keeps silent about a name that it cannot have",
    "it takes over no address without our mark",
    inAgent((open) => (context) => {
      const record = open(context);
      return { ...record, set: (addresses, signal) => record.set(addresses, signal).catch(() => false) };
    }),
  ],
  [
    "takes every cluster for its own",
    "it takes over no record of another cluster",
    inAgent((open) => (context) => open({ ...context, cluster: "lab-2" })),
  ],
  [
    "asks for its secret once",
    "it asks for a secret before each use",
    inAgent((open) => (context) => {
      let known: Promise<string> | undefined;
      const secret = (name: string) => {
        known ??= context.secret(name);
        return known;
      };
      return open({ ...context, secret });
    }),
  ],
  [
    "does not listen to its signal",
    "it stops with its signal's reason",
    inAgent((open) => (context) => {
      const record = open(context);
      return { ...record, set: (addresses) => record.set(addresses, new AbortController().signal) };
    }),
  ],
  [
    "takes a first step for the whole way",
    "a set of its that is aborted",
    inAgent((open) => (context) => {
      const record = open(context);
      return {
        ...record,
        async set(addresses, signal) {
          const [begin = ""] = addresses;
          if ((await record.get(signal)).includes(begin)) return false;
          await record.set([begin], signal);
          return record.set(addresses, signal);
        },
      };
    }),
  ],
  [
    "takes silence for an empty zone",
    "while nobody at the service answers it says so",
    inAgent((open) => (context) => {
      const record = open(context);
      return { ...record, get: (signal) => record.get(signal).catch(() => []) };
    }),
  ],
];
