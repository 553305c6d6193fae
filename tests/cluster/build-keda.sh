#!/usr/bin/env bash
# Builds KEDA's operator and its metrics adapter from the Go module proxy: build-keda.sh DIRECTORY
# Programs that are in DIRECTORY already are left alone. The first build takes about a quarter of an hour of two cores.
set -euo pipefail
module=github.com/kedacore/keda/v2
version=v2.21.0   # that of its definitions in tests/support/custom_resources.py
target=$1

missing=()
for program in operator adapter; do [ -x "$target/keda-$program" ] || missing+=("$program"); done
[ ${#missing[@]} -gt 0 ] || exit 0
command -v go >/dev/null || { echo "build-keda: needs Go 1.26 or later" >&2; exit 3; }

source=$target/keda
mkdir -p "$source"
cd "$source"
published=$(cd / && go mod download -json "$module@$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
# A module's own replacements count only where it is the main one.
{ printf 'module keda\n\ngo 1.26.0\n\nrequire %s %s\n\n' "$module" "$version"; grep '^replace ' "$published"; } > go.mod
for program in "${missing[@]}"; do
  echo "build-keda: $program $version"
  CGO_ENABLED=0 go build -mod=mod -trimpath -ldflags "-s -w" -o "$target/.keda-$program" "$module/cmd/$program"
  mv "$target/.keda-$program" "$target/keda-$program"
done
