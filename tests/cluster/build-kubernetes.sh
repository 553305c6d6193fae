#!/usr/bin/env bash
# Builds Kubernetes' programs from the Go module proxy: build-kubernetes.sh DIRECTORY PROGRAM...
# A program that is in DIRECTORY already is left alone. The first build takes about 17 minutes of two cores.
set -euo pipefail
version=v1.34.1
libraries=v0.34.1   # the same release of the modules that Kubernetes' own go.mod finds beside itself
target=$1; shift

missing=()
for program in "$@"; do [ -x "$target/$program" ] || missing+=("$program"); done
[ ${#missing[@]} -gt 0 ] || exit 0
command -v go >/dev/null || { echo "build-kubernetes: needs Go 1.24 or later" >&2; exit 3; }

source=$target/source
mkdir -p "$source"
cd "$source"
if [ ! -f go.sum ]; then
  published=$(cd / && go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
  {
    printf 'module cluster\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes %s\n\nreplace (\n' "$version"
    sed -n "s,^\t\(k8s.io/[a-z-]*\) => ./staging/src/k8s.io/[a-z-]*\$,\t\1 => \1 $libraries,p" "$published"
    printf ')\n'
  } > go.mod
  # Keeps the programs in go.mod: nothing here imports them.
  { printf '//go:build tools\n\npackage cluster\n\nimport (\n'
    for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
      printf '\t_ "k8s.io/kubernetes/cmd/%s"\n' "$program"; done
    printf ')\n'; } > programs.go
  go mod tidy -e
fi
for program in "${missing[@]}"; do
  echo "build-kubernetes: $program $version"
  # Kubernetes takes its version from the linker; without one, clients refuse it.
  CGO_ENABLED=0 go build -trimpath -o "$target/.$program" \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34" \
    "k8s.io/kubernetes/cmd/$program"
  mv "$target/.$program" "$target/$program"
done
