#!/bin/bash
# build.sh: builds kube-apiserver, kube-controller-manager and kubectl of the release that go.mod names, once, into
# a folder of the user's cache, and prints that folder. Needs Go; the first build needs a Go module proxy.
# Exits with 3 when the modules cannot be had, with 1 when they do not build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version=$(sed -nE 's/^[[:space:]]*(require )?k8s\.io\/kubernetes (v[0-9.]+).*/\2/p' go.mod)
# Other modules, another toolchain or another way to build make other programs.
recipe=$({ cat go.mod go.sum build.sh; go version; } | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/multicloud
target=$cache/kubernetes-$version-$recipe
if [ -d "$target" ]; then
  touch "$target"
  find "$cache" -maxdepth 1 -name 'kubernetes-*' -mtime +30 -exec rm -rf {} +
  echo "$target"
  exit 0
fi

mkdir -p "$cache"
# Two builds at once would double the work.
exec 9>"$cache/kubernetes.lock"
flock 9
if [ ! -d "$target" ]; then
  SECONDS=0
  echo "kubernetes: building $version (once, about 6 minutes on two cores)" >&2
  scratch=$(mktemp -d "$cache/kubernetes-build.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  export CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOTOOLCHAIN=local
  go list -deps k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kubectl} >/dev/null || exit 3
  # What the release's own build puts in, so that /version and `kubectl version` answer as everywhere.
  date=$(go list -m -f '{{.Time.UTC.Format "2006-01-02T15:04:05Z"}}' k8s.io/kubernetes)
  ldflags="-s -w"
  IFS=. read -r major minor _ <<<"${version#v}"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    for pair in gitVersion="$version" gitMajor="$major" gitMinor="$minor" gitTreeState=archive buildDate="$date"; do
      ldflags="$ldflags -X $package.$pair"
    done
  done
  nice -n 10 go build -trimpath -ldflags "$ldflags" -o "$scratch/" \
    k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kubectl} >&2
  mv "$scratch" "$target"
  trap - EXIT
  echo "kubernetes: built in $SECONDS s" >&2
fi
echo "$target"
