import type { SiteContext } from "@multicloud/core/plugin";
import { isOurs, recordFile } from "./host-record.js";
import { configFile, type Look } from "./look.js";

/** What stands in the way of our configuration. */
export interface Obstacle {
  readonly message: string;
  readonly hint: string;
}

/** Another cluster's gateway, whatever the options say; and a configuration that we have not written, unless told to take it over. */
export function obstacle(found: Look, context: SiteContext, takeOver: boolean): Obstacle | undefined {
  const { record, config, head, pristine } = found;
  if (record === "damaged") {
    return { message: `${recordFile} is damaged`, hint: "look at it and remove it, or put back a copy" };
  }
  const other = [record, head].find((one) => one && !isOurs(context, one));
  if (other) {
    return {
      message: `it is the gateway of ${other.site} in the cluster ${other.cluster}`,
      hint:
        other.cluster === context.cluster
          ? `one HAProxy serves one site: use another machine, or take it off that site first: removeGateway(${JSON.stringify(other.site)}, gateway)`
          : "one HAProxy serves one site: use another machine, or destroy() that cluster first",
    };
  }
  if (config === undefined || pristine || head?.intact || takeOver) return undefined;
  const what = head ? "was changed by somebody since it was written" : "was not written by this package";
  return {
    message: `${configFile} ${what}`,
    hint: "remove it, or give takeOver: true to have it replaced; a copy is kept beside it",
  };
}
