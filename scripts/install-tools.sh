#!/usr/bin/env bash
# Installs every outside program that the tests need, on Debian or a system like it. `npm test` and `npm run demo` need none of them.
# PARATRACE_APT_MIRROR: take packages from this mirror ("URL SUITE", such as "http://mirror/debian bookworm") instead of the
# system's own sources.
set -euo pipefail

packages=(
  qemu-system-misc              # the oracle
  gcc-riscv64-unknown-elf       # bundled guests, benchmark guests
  binutils-riscv64-unknown-elf
  make
  u-boot-qemu                   # a real guest
  dosfstools mtools e2fsprogs fdisk  # its disk
  device-tree-compiler          # device tree checks
  gdb-multiarch
  chromium                      # the report
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
  echo "all tools are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
options=()
if [ -n "${PARATRACE_APT_MIRROR:-}" ]; then
  list=$(mktemp --suffix=.list)
  trap 'rm -f "$list"' EXIT
  echo "deb $PARATRACE_APT_MIRROR main" >"$list"
  chmod 644 "$list"
  options=(-o "Dir::Etc::sourcelist=$list" -o Dir::Etc::sourceparts=-)
fi
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get "${options[@]}" update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
