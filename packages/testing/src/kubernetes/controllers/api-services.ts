import { fields } from "../api-object.js";
import { readyPods } from "../webhooks.js";
import { setCondition } from "./conditions.js";
import type { ControllerParts } from "./controller-manager.js";

/** An APIService is Available when its Service has a ready pod, or when it is served locally. */
export function reconcileApiServices({ store, now }: ControllerParts): void {
  for (const apiService of store.all("apiregistration.k8s.io/v1", "APIService")) {
    const { name, namespace } = fields(fields(apiService.spec).service);
    const service = store.find("v1", "Service", String(namespace), String(name));
    const available = name === undefined || (service !== undefined && readyPods(store, service).length > 0);
    store.modify(apiService, (draft) =>
      setCondition(
        draft,
        available
          ? { type: "Available", status: "True", reason: "Passed", message: "all checks passed" }
          : { type: "Available", status: "False", reason: "MissingEndpoints", message: "no endpoints" },
        now(),
      ),
    );
  }
}
