import type { Problem, Report } from "../contracts/context.js";
import type { MulticloudError } from "../errors/multicloud-error.js";
import type { Plan } from "../plan/plan.js";

/** The five verbs, watching the records, the drill, giving the kubeconfig, and operations of the engine. */
export type Verb =
  | "kubeconfig"
  | "operate"
  | "plan"
  | "up"
  | "status"
  | "inventory"
  | "destroy"
  | "watch"
  | "drill"
  | "remove-addon"
  | "remove-gateway";

/** Kinds of steps. Those of a node come once per node, `check`, `shared`, `gateway`, `delete` once per site, the others once. */
export type StepKind =
  | "check"
  | "overlay-network"
  | "shared"
  | "create"
  | "boot"
  | "ssh"
  | "cloud-init"
  | "prepare"
  | "overlay"
  | "gateway"
  | "drain"
  | "engine"
  | "addon"
  | "entrypoint"
  | "delete"
  | "members";

/** A piece of work with a beginning and an end. */
export interface Step {
  /** Unique within the run. */
  readonly id: string;
  readonly kind: StepKind;
  /** For people, for example `waiting for SSH`. */
  readonly title: string;
  readonly site?: string;
  readonly node?: string;
  /** What it is about, when that is neither a site nor a node: an addon's name. */
  readonly subject?: string;
}

/** What a run tells while it works; `at` is milliseconds since the run began. Names are noun-verb. */
export type RunEvent = { readonly at: number } & (
  | { readonly type: "run-start"; readonly verb: Verb; readonly cluster: string }
  | { readonly type: "run-end"; readonly ok: boolean; readonly error?: MulticloudError }
  | { readonly type: "plan-made"; readonly plan: Plan }
  | { readonly type: "step-start"; readonly step: Step }
  | { readonly type: "step-progress"; readonly step: Step; readonly message: string }
  | {
      readonly type: "step-end";
      readonly step: Step;
      readonly ok: boolean;
      readonly durationMs: number;
      readonly result?: string;
      readonly error?: MulticloudError;
    }
  | { readonly type: "warning"; readonly problem: Problem }
  | {
      readonly type: "entrypoint-switch";
      readonly record: string;
      readonly from: readonly string[];
      readonly to: readonly string[];
      readonly reason: string;
    }
  | { readonly type: "drill-moment"; readonly seconds: number; readonly what: string }
  | ({ readonly site?: string } & Report)
);

/** An event without its time, as the parts of a run emit it. */
export type EmittedEvent = RunEvent extends infer Event
  ? Event extends { readonly at: number }
    ? Omit<Event, "at">
    : never
  : never;
