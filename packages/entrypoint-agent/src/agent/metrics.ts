type Labels = Readonly<Record<string, string>>;

/** Numbers of the agent in Prometheus' text format. */
export interface Metrics {
  /** Sets a value, or removes all values of the name when there are none. */
  set(name: MetricName, values: readonly (readonly [labels: Labels, value: number])[]): void;
  add(name: MetricName, labels: Labels, value?: number): void;
  text(): string;
}

const help = {
  entrypoint_agent_leader: ["gauge", "1 on the agent that writes the record"],
  entrypoint_agents_heard: ["gauge", "Agents whose observations count"],
  entrypoint_address_up: ["gauge", "How this agent sees an entry address: 1 alive, 0 dead, 0.5 not sure"],
  entrypoint_record_address: ["gauge", "1 for each address of the record as the leader knows it"],
  entrypoint_probes_total: ["counter", "Probes made"],
  entrypoint_probe_failures_total: ["counter", "Probes that failed"],
  entrypoint_switches_total: ["counter", "Changes of the record by this agent"],
  entrypoint_switch_seconds: [
    "gauge",
    "Seconds from the first failed probe to the right record, last switch",
  ],
  entrypoint_dns_failures_total: ["counter", "Reads and writes of the record that failed, by code"],
  entrypoint_api_calls_total: ["counter", "Calls to services, by service and status"],
} as const;

/** Every metric there is. */
export type MetricName = keyof typeof help;

/** A few lines instead of a client library: the whole program has to fit into a ConfigMap, and into 50 MiB. */
export function createMetrics(): Metrics {
  const values = new Map<MetricName, Map<string, number>>();
  const series = (name: MetricName) => {
    const known = values.get(name) ?? new Map<string, number>();
    values.set(name, known);
    return known;
  };
  const keyOf = (labels: Labels) => {
    const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
  };
  return {
    set(name, given) {
      const target = series(name);
      target.clear();
      for (const [labels, value] of given) target.set(keyOf(labels), value);
    },
    add(name, labels, value = 1) {
      const target = series(name);
      target.set(keyOf(labels), (target.get(keyOf(labels)) ?? 0) + value);
    },
    text() {
      const lines = [...values].flatMap(([name, entries]) => {
        const [type, about] = help[name];
        return [
          `# HELP ${name} ${about}`,
          `# TYPE ${name} ${type}`,
          ...[...entries].map(([labels, value]) => `${name}${labels} ${value}`),
        ];
      });
      return `${lines.join("\n")}\n`;
    },
  };
}
