#!/usr/bin/env bash
# release.sh KEY [images]: completes dist/ after `make wheels sbom`: chart, images, notes, checksums, signature.
# What can't be made here is left out and listed: a release that is published has everything.
set -euo pipefail
cd "$(dirname "$0")/.."
key=$1 images=${2:-}
left_out=()

if command -v helm >/dev/null || command -v go >/dev/null; then
  make chart
else
  left_out+=("the Helm chart: neither Helm nor Go is installed")
fi

if [ -z "$images" ]; then
  left_out+=("the images: IMAGES is empty")
elif docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
  make images
else
  left_out+=("the images: no Docker engine with buildx answers")
fi

.venv/bin/python tools/release_notes.py "$(make --silent version)" >dist/RELEASE_NOTES.md

# By file name alone: people download files, not folders.
find dist -maxdepth 2 -type f \( -name '*.whl' -o -name '*.tar.gz' -o -name '*.tgz' -o -name '*.cdx.json' -o -name 'docstore-*.tar' \) |
  LC_ALL=C sort | while read -r file; do (cd "$(dirname "$file")" && sha256sum "$(basename "$file")"); done >dist/SHA256SUMS

rm -f dist/SHA256SUMS.sig
if [ -r "$key" ]; then
  ssh-keygen -Y sign -q -f "$key" -n docstore-release dist/SHA256SUMS
  if [ -r release-keys ]; then
    ssh-keygen -Y verify -f release-keys -I release -n docstore-release -s dist/SHA256SUMS.sig <dist/SHA256SUMS
  else
    left_out+=("the check of the signature: the file release-keys does not exist")
  fi
else
  left_out+=("the signature: no key is in $key (make release RELEASE_KEY=...)")
fi

echo "dist: $(wc -l <dist/SHA256SUMS) files, checksums in dist/SHA256SUMS"
for what in "${left_out[@]}"; do echo "WARNING: LEFT OUT: $what" >&2; done
