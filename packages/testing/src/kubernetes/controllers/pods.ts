import { type ApiObject, fields, fieldsList, timestamp } from "../api-object.js";
import { hasCondition, setCondition } from "./conditions.js";
import type { ControllerParts } from "./controller-manager.js";
import { chooseNode } from "./scheduling.js";

/** The scheduler and the kubelets: pods get a node, start, follow their node's readiness, and end. */
export function reconcilePods(parts: ControllerParts): void {
  const { store, timing } = parts;
  for (const pod of store.all("v1", "Pod")) {
    const { uid, deletionTimestamp } = pod.metadata;
    const nodeName = fields(pod.spec).nodeName;
    const node = typeof nodeName === "string" ? store.find("v1", "Node", undefined, nodeName) : undefined;
    if (typeof nodeName === "string" && !node) {
      // Pod garbage collection: the node is gone and with it what ran there.
      store.remove(pod);
      continue;
    }
    if (deletionTimestamp !== undefined) {
      parts.later(`end:${uid}`, timing.rolloutMs / 10, () => store.remove(pod));
      continue;
    }
    if (!node) {
      schedule(parts, pod);
      continue;
    }
    const phase = pod.status?.phase;
    if (phase === "Pending") parts.later(`start:${uid}`, timing.rolloutMs, () => start(parts, pod));
    if (phase === "Running") {
      const ready = hasCondition(node, "Ready");
      if (hasCondition(pod, "Ready") !== ready)
        store.modify(pod, (draft) => setReady(draft, ready, parts.now()));
    }
  }
}

function schedule({ store, now }: ControllerParts, pod: ApiObject): void {
  const name = chooseNode(store, pod);
  store.modify(pod, (draft) => {
    if (name !== undefined) draft.spec = { ...draft.spec, nodeName: name };
    setCondition(
      draft,
      name === undefined
        ? {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
            message: `0/${store.all("v1", "Node").length} nodes are available`,
          }
        : { type: "PodScheduled", status: "True", reason: "Scheduled" },
      now(),
    );
  });
}

function start({ store, now }: ControllerParts, pod: ApiObject): void {
  store.modify(pod, (draft) => {
    const isJob = draft.metadata.ownerReferences?.some(({ kind }) => kind === "Job") === true;
    draft.status = { ...draft.status, phase: isJob ? "Succeeded" : "Running", startTime: timestamp(now()) };
    const node = store.find("v1", "Node", undefined, String(fields(draft.spec).nodeName));
    if (!isJob) setReady(draft, hasCondition(node, "Ready"), now());
  });
}

function setReady(pod: ApiObject, ready: boolean, now: number): void {
  const status = ready ? "True" : "False";
  const reason = ready ? "PodReady" : "ContainersNotReady";
  setCondition(pod, { type: "Ready", status, reason }, now);
  setCondition(pod, { type: "ContainersReady", status, reason }, now);
  const containers = fieldsList(fields(pod.spec).containers);
  pod.status!.containerStatuses = containers.map(({ name, image }) => ({
    name,
    image,
    ready,
    restartCount: 0,
  }));
}
