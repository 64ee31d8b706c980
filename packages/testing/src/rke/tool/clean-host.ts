import { imagesOf } from "../images.js";
import type { Host } from "./hosts.js";
import { containerNames } from "./plan.js";

/** Takes RKE's containers and files off a node. */
export async function cleanHost({ docker }: Host, version: string): Promise<void> {
  const present = await docker.names();
  for (const name of containerNames) {
    if (present.includes(name)) await docker.remove(name);
  }
  const image = imagesOf(version)!.tools;
  await docker.runJob("kube-cleanup", { image, binds: ["/etc/kubernetes:/etc/kubernetes:z"] });
}
