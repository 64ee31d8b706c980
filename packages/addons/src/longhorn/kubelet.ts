import type { KubernetesObject } from "@multicloud/core/plugin";

type Container = { readonly env?: readonly { readonly name: string }[] };
type Template = { readonly spec: { readonly containers: readonly Container[] } };

/** The manifest with the kubelet's folder told to what installs Longhorn's CSI driver; without a folder, as it was. */
export function withKubeletRootDir(
  objects: readonly KubernetesObject[],
  path: string | undefined,
): readonly KubernetesObject[] {
  if (path === undefined) return objects;
  return objects.map((object) => {
    if (object.kind !== "Deployment" || object.metadata.name !== "longhorn-driver-deployer") return object;
    const spec = object.spec as { readonly template: Template };
    const containers = spec.template.spec.containers.map((container) => ({
      ...container,
      env: [
        ...(container.env ?? []).filter(({ name }) => name !== "KUBELET_ROOT_DIR"),
        { name: "KUBELET_ROOT_DIR", value: path },
      ],
    }));
    const template = { ...spec.template, spec: { ...spec.template.spec, containers } };
    return { ...object, spec: { ...spec, template } };
  });
}
