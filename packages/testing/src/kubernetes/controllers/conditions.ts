import { type ApiObject, type Fields, fieldsList, timestamp } from "../api-object.js";

/** Sets one condition of a status; the time of transition moves only with the value. */
export function setCondition(
  object: ApiObject,
  condition: {
    readonly type: string;
    readonly status: "True" | "False";
    readonly reason: string;
    readonly message?: string;
  },
  now: number,
): void {
  const status: Fields = object.status ?? {};
  object.status = status;
  const conditions = fieldsList(status.conditions);
  const before = conditions.find(({ type }) => type === condition.type);
  const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : timestamp(now);
  const next: Fields = { ...condition, lastTransitionTime };
  status.conditions = before
    ? conditions.map((other) => (other === before ? next : other))
    : [...conditions, next];
}

export function hasCondition(object: ApiObject | undefined, type: string): boolean {
  return fieldsList(object?.status?.conditions).some(
    (condition) => condition.type === type && condition.status === "True",
  );
}
