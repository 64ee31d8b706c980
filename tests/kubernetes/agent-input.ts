import type { ManifestInput } from "../../packages/entrypoint-agent/src/index.js";

/** An entrypoint agent named `agent` in the namespace `entrypoint`. Its programs are not run here. */
export const agentInput: ManifestInput = {
  settings: {
    cluster: "homelab",
    name: "agent",
    namespace: "entrypoint",
    record: "*.apps.example.com",
    policy: "active",
    prefer: ["home", "cloud"],
    probe: { kind: "tcp" },
    addresses: {},
    addressSources: [],
    timing: {},
    dns: {},
    statusPort: 8_080,
  },
  program: "export {};",
  dnsProgram: "export {};",
  secrets: { token: "secret" },
  image: "docker.io/library/node:22-alpine",
};
