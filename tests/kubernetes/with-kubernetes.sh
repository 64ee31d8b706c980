#!/bin/bash
# with-kubernetes.sh COMMAND...: runs COMMAND beside a real Kubernetes control plane (etcd, kube-apiserver with RBAC,
# kube-controller-manager; no scheduler and no kubelet), and exits with its code. Builds Kubernetes on first use
# (tools/kubernetes) and, as root on Debian, installs etcd. Where that cannot be it says why, ends with the line that
# counts as one skipped suite, and exits 0.
#
# All of it lives in namespaces of this one process, on a loopback of its own: nothing can be left behind however
# it ends, nothing else can see it, and two runs do not know of each other.
#
# COMMAND finds in its environment: MULTICLOUD_KUBERNETES_KUBECONFIG (a file, with full rights),
# MULTICLOUD_KUBERNETES_KUBECTL (the program).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

skip() {
  printf '\n*** SKIPPED: no real Kubernetes: %s. ***\n\n0 passed, 0 failed, 1 skipped\n' "$1"
  exit 0
}

install_etcd() {
  local log denies=
  log=$(mktemp)
  # The package must not start a daemon by itself.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    denies=1
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
  local apt=(apt-get -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=2) status=0
  export DEBIAN_FRONTEND=noninteractive
  { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends etcd-server; } >"$log" 2>&1 </dev/null || status=$?
  [ -z "$denies" ] || rm -f /usr/sbin/policy-rc.d
  [ "$status" = 0 ] || tail -n 20 "$log" >&2
  rm -f "$log"
  return "$status"
}

if [ "${1:-}" != --inside ]; then
  [ "$(uname -s)" = Linux ] || skip "it needs Linux namespaces"
  command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || skip "Go is missing, to build it with (go.dev/dl; see tools/kubernetes/go.mod for the version)"
  wanted=$(sed -nE 's/^go ([0-9]+\.[0-9]+).*/\1/p' "$here/../../tools/kubernetes/go.mod")
  found=$(go env GOVERSION | sed -E 's/^go([0-9]+\.[0-9]+).*/\1/')
  [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] || skip "Go $wanted or newer is needed, this is $found"
  for tool in openssl unshare flock; do
    command -v "$tool" >/dev/null || skip "$tool is missing (Debian: apt-get install openssl util-linux)"
  done
  namespaces=(--net --mount --pid --fork --kill-child=KILL --mount-proc)
  [ "$(id -u)" = 0 ] || namespaces+=(--user --map-root-user)
  unshare "${namespaces[@]}" true 2>/dev/null || skip "this kernel makes no namespaces"
  if ! command -v etcd >/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || skip "etcd is missing (Debian: apt-get install etcd-server)"
    echo "kubernetes: installing etcd-server" >&2
    install_etcd || skip "etcd-server could not be installed"
  fi
  status=0
  PROGRAMS=$("$here/../../tools/kubernetes/build.sh") || status=$?
  [ "$status" != 3 ] || skip "the Go modules could not be downloaded"
  [ "$status" = 0 ] || {
    printf '\n*** Kubernetes could not be built. ***\n\n0 passed, 1 failed\n'
    exit 1
  }
  export PROGRAMS
  (cd "$here/../.." && npx tsx --conditions multicloud-source tests/kubernetes/fetch-genuine.ts) ||
    echo "*** SKIPPED: the genuine manifests on the real API: they could not be fetched. ***" >&2
  exec unshare "${namespaces[@]}" bash "$here/with-kubernetes.sh" --inside "$@"
fi

shift
# Any folder will do as a mount point: nobody else sees what is mounted here.
LAB=/media
mount -t tmpfs -o mode=700 tmpfs "$LAB"
cd "$LAB"
umask 077
# `unshare --net` gives a loopback that is down.
ip link set lo up 2>/dev/null || skip "the loopback of the namespace could not be brought up (Debian: apt-get install iproute2)"

# Cluster addresses are nobody's here: with this whoever listens on the loopback answers for them, for example as a
# webhook behind a Service.
ip route add local 10.43.0.0/16 dev lo

# certificate NAME SUBJECT [EXTENSION]: NAME.crt and NAME.key, signed by the cluster's CA.
certificate() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  printf '%s\n' "extendedKeyUsage=serverAuth,clientAuth" ${3:+"$3"} >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=kube-ca 2>/dev/null
certificate apiserver /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,IP:10.43.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc"
certificate admin /O=system:masters/CN=kube-admin
certificate manager /CN=system:kube-controller-manager
openssl genrsa -out accounts.key 2048 2>/dev/null

# kubeconfig NAME: for the certificate of that name.
kubeconfig() {
  cat >"$1.yaml" <<END
apiVersion: v1
kind: Config
clusters:
  - name: local
    cluster: { server: "https://127.0.0.1:6443", certificate-authority-data: $(base64 -w0 ca.crt) }
users:
  - name: $1
    user: { client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key") }
contexts:
  - name: local
    context: { cluster: local, user: $1 }
current-context: local
END
}
kubeconfig admin
kubeconfig manager

etcd --data-dir "$LAB/etcd" --unsafe-no-fsync --logger zap --log-level error \
  --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380 >etcd.log 2>&1 &
"$PROGRAMS/kube-apiserver" --etcd-servers http://127.0.0.1:2379 \
  --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port 6443 --endpoint-reconciler-type none \
  --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --anonymous-auth=false --allow-privileged \
  --client-ca-file ca.crt --tls-cert-file apiserver.crt --tls-private-key-file apiserver.key \
  --service-account-issuer https://kubernetes.default.svc --service-account-key-file accounts.key \
  --service-account-signing-key-file accounts.key --service-cluster-ip-range 10.43.0.0/16 >apiserver.log 2>&1 &
apiserver=$!

give_up() {
  tail -n 20 "$LAB/$1.log" >&2
  printf '\n*** %s did not come up. ***\n\n0 passed, 1 failed\n' "$1"
  exit 1
}
SECONDS=0
until "$PROGRAMS/kubectl" --kubeconfig admin.yaml get --raw /readyz >/dev/null 2>&1; do
  kill -0 "$apiserver" 2>/dev/null && [ "$SECONDS" -lt 600 ] || give_up apiserver
  sleep 0.2
done

# Nodes of the tests have no kubelet that would renew their lease: nobody is to call them dead for that.
"$PROGRAMS/kube-controller-manager" --kubeconfig manager.yaml --leader-elect=false --bind-address 127.0.0.1 \
  --controllers '*,-node-lifecycle-controller,-taint-eviction-controller' \
  --service-account-private-key-file accounts.key --root-ca-file ca.crt --use-service-account-credentials \
  --cluster-signing-cert-file ca.crt --cluster-signing-key-file ca.key >manager.log 2>&1 &
manager=$!
until "$PROGRAMS/kubectl" --kubeconfig admin.yaml --namespace default get serviceaccount default >/dev/null 2>&1; do
  kill -0 "$manager" 2>/dev/null && [ "$SECONDS" -lt 900 ] || give_up manager
  sleep 0.2
done
echo "kubernetes: $("$PROGRAMS/kubectl" --kubeconfig admin.yaml get --raw /version | sed -nE 's/.*"gitVersion": "([^"]+)".*/\1/p') up in $SECONDS s" >&2

cd "$here/../.."
code=0
MULTICLOUD_KUBERNETES_KUBECONFIG=$LAB/admin.yaml MULTICLOUD_KUBERNETES_KUBECTL=$PROGRAMS/kubectl "$@" || code=$?
exit $code
