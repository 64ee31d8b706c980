import type { ContainerProgram } from "../docker/container.js";
import { certDeployer, certFetcher, cleanup } from "./certificates.js";
import { kubeApiserver } from "./kube-apiserver.js";
import { kubeFlannel } from "./kube-flannel.js";
import { kubelet } from "./kubelet.js";
import { nginxIngressController } from "./nginx-ingress-controller.js";
import { listenOn, portChecker } from "./ports.js";
import { snapshotDownloader, snapshotReader, snapshotSaver } from "./snapshots.js";

/** What containers do, by the names that RKE gives them; `*` is any other: it runs and does nothing. */
export const programs: Readonly<Record<string, ContainerProgram>> = {
  "*": () => ({ end() {} }),
  etcd: listenOn(2379, 2380),
  "kube-apiserver": kubeApiserver,
  kubelet,
  "kube-flannel": kubeFlannel,
  "nginx-ingress-controller": nginxIngressController,
  "cert-deployer": certDeployer,
  "cert-fetcher": certFetcher,
  "kube-cleanup": cleanup,
  "etcd-snapshot-once": snapshotSaver,
  "etcd-download-backup": snapshotDownloader,
  "etcd-extract-statefile": snapshotReader,
  "etcd-serve-backup": snapshotReader,
  "rke-etcd-port-listener": listenOn(2379, 2380),
  "rke-cp-port-listener": listenOn(6443),
  "rke-worker-port-listener": listenOn(10250),
  "rke-port-checker": portChecker,
};
