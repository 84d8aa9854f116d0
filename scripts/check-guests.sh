#!/usr/bin/env bash
# Builds every bundled guest into a fresh folder and compares it byte by byte with the committed image.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

make --silent -C "$root/guests" OUT="$fresh" >/dev/null
status=0
for built in "$fresh"/*.elf "$fresh"/*.json; do
  name=$(basename "$built")
  if cmp "$built" "$root/guests/bin/$name"; then
    echo "same: guests/bin/$name"
  else
    echo "differs: guests/bin/$name (build with 'make -C guests' and commit it)" >&2
    status=1
  fi
done
exit "$status"
