import { type ApiObject, fields, fieldsList, type OwnerReference } from "../api-object.js";
import { hasCondition, setCondition } from "./conditions.js";
import type { ControllerParts } from "./controller-manager.js";

const namespace = "cert-manager";
const injection = "cert-manager.io/inject-ca-from-secret";

/**
 * What cert-manager's three Deployments do once they run: cainjector gives the webhook configurations their
 * CA bundle (only then the API server trusts the webhook), the controller makes issuers and certificates
 * Ready and makes Certificates for annotated Ingresses.
 */
export function reconcileCertManager(parts: ControllerParts): void {
  if (isRunning(parts, "cert-manager-cainjector") && isRunning(parts, "cert-manager-webhook"))
    injectCa(parts);
  if (isRunning(parts, "cert-manager")) issue(parts);
}

function isRunning({ store }: ControllerParts, name: string): boolean {
  return hasCondition(store.find("apps/v1", "Deployment", namespace, name), "Available");
}

function injectCa(parts: ControllerParts): void {
  const { store, timing } = parts;
  for (const kind of ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]) {
    for (const configuration of store.all("admissionregistration.k8s.io/v1", kind)) {
      if (configuration.metadata.annotations?.[injection] === undefined) continue;
      const isDone = fieldsList(configuration.webhooks).every(
        ({ clientConfig }) => fields(clientConfig).caBundle,
      );
      if (isDone) continue;
      parts.later(`ca:${configuration.metadata.uid}`, timing.rolloutMs / 10, () => {
        store.modify(configuration, (draft) => {
          for (const webhook of fieldsList(draft.webhooks)) {
            const caBundle = Buffer.from("emulated webhook CA").toString("base64");
            webhook.clientConfig = { ...fields(webhook.clientConfig), caBundle };
          }
        });
      });
    }
  }
}

function issue(parts: ControllerParts): void {
  const { store, timing } = parts;
  const apiVersion = "cert-manager.io/v1";
  for (const ingress of store.all("networking.k8s.io/v1", "Ingress")) certificatesFor(parts, ingress);
  for (const kind of ["Issuer", "ClusterIssuer", "Certificate"]) {
    for (const object of store.all(apiVersion, kind)) {
      if (hasCondition(object, "Ready")) continue;
      if (kind === "Certificate" && !hasReadyIssuer(parts, object)) continue;
      parts.later(`ready:${object.metadata.uid}`, timing.rolloutMs / 4, () => makeReady(parts, object));
    }
  }
}

function makeReady({ store, now }: ControllerParts, object: ApiObject): void {
  const isCertificate = object.kind === "Certificate";
  if (isCertificate) createTlsSecret(store, object);
  store.modify(object, (draft) => {
    setCondition(
      draft,
      isCertificate
        ? {
            type: "Ready",
            status: "True",
            reason: "Ready",
            message: "Certificate is up to date and has not expired",
          }
        : {
            type: "Ready",
            status: "True",
            reason: "ACMEAccountRegistered",
            message: "The ACME account was registered with the ACME server",
          },
      now(),
    );
  });
}

function createTlsSecret(store: ControllerParts["store"], certificate: ApiObject): void {
  const name = String(fields(certificate.spec).secretName);
  const { namespace: where } = certificate.metadata;
  if (store.find("v1", "Secret", where, name)) return;
  const encoded = (text: string) => Buffer.from(text).toString("base64");
  store.create({
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/tls",
    metadata: { name, ...(where === undefined ? {} : { namespace: where }) },
    data: { "tls.crt": encoded("emulated certificate"), "tls.key": encoded("emulated key") },
  });
}

function hasReadyIssuer({ store }: ControllerParts, certificate: ApiObject): boolean {
  const { kind = "Issuer", name } = fields(fields(certificate.spec).issuerRef);
  const where = kind === "ClusterIssuer" ? undefined : certificate.metadata.namespace;
  return hasCondition(store.find("cert-manager.io/v1", String(kind), where, String(name)), "Ready");
}

/** ingress-shim: an annotated Ingress gets a Certificate for each of its TLS secrets. */
function certificatesFor({ store }: ControllerParts, ingress: ApiObject): void {
  const { annotations, namespace: where, name, uid = "" } = ingress.metadata;
  const issuer = annotations?.["cert-manager.io/cluster-issuer"];
  if (issuer === undefined || !store.type("cert-manager.io/v1", "Certificate")) return;
  const owner: OwnerReference = {
    apiVersion: ingress.apiVersion,
    kind: "Ingress",
    name,
    uid,
    controller: true,
  };
  for (const { hosts, secretName } of fieldsList(fields(ingress.spec).tls)) {
    if (typeof secretName !== "string") continue;
    const spec = {
      secretName,
      dnsNames: hosts,
      issuerRef: { name: issuer, kind: "ClusterIssuer", group: "cert-manager.io" },
    };
    const present = store.find("cert-manager.io/v1", "Certificate", where, secretName);
    if (!present)
      store.create({
        apiVersion: "cert-manager.io/v1",
        kind: "Certificate",
        metadata: {
          name: secretName,
          ...(where === undefined ? {} : { namespace: where }),
          ownerReferences: [owner],
        },
        spec,
      });
    else if (present.metadata.ownerReferences?.some((other) => other.uid === uid))
      store.modify(present, (draft) => {
        draft.spec = { ...draft.spec, ...spec };
      });
  }
}
