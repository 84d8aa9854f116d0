#!/usr/bin/env bash
# Writes the disk that the U-Boot tests use: MBR, a FAT16 and an ext4 partition with a few files. Same bytes every time: ids,
# times and contents are fixed, so that a recording refers to it by digest.
# Usage: make-uboot-disk.sh OUT.img
set -euo pipefail
out=${1:?usage: make-uboot-disk.sh OUT.img}

export TZ=UTC LC_ALL=C
export SOURCE_DATE_EPOCH=1577836800 E2FSPROGS_FAKE_TIME=1577836800 # 2020-01-01
export MTOOLS_SKIP_CHECK=1 MKE2FS_SYNC=0
PATH=$PATH:/sbin:/usr/sbin
sector=512
fat_start=2048 fat_sectors=32768
ext_start=$((fat_start + fat_sectors)) ext_sectors=16384
total=$((ext_start + ext_sectors))

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

printf 'Read from the FAT partition.\n' >"$scratch/hello.txt"
printf 'Read from the ext4 partition.\n' >"$scratch/hello-ext4.txt"
seq -w 1 4096 >"$scratch/numbers.txt"
touch -d "@$SOURCE_DATE_EPOCH" "$scratch"/*

fat=$scratch/fat.img
truncate -s $((fat_sectors * sector)) "$fat"
mkfs.fat --invariant -F 16 -i 50415241 -n PARATRACE "$fat" >/dev/null
mcopy -m -i "$fat" "$scratch/hello.txt" "$scratch/numbers.txt" ::/

ext=$scratch/ext.img
uuid=00000000-5061-7261-7472-616365000001
truncate -s $((ext_sectors * sector)) "$ext"
mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -U $uuid -E hash_seed=$uuid,lazy_itable_init=0,root_owner=0:0 -L paratrace "$ext"
# `mke2fs -d` would copy the change times of the source files; debugfs takes the fixed time.
debugfs -w -f /dev/stdin "$ext" >/dev/null 2>&1 <<COMMANDS
write $scratch/hello-ext4.txt hello.txt
mkdir data
cd data
write $scratch/numbers.txt numbers.txt
COMMANDS

truncate -s $((total * sector)) "$scratch/disk.img"
sfdisk --quiet "$scratch/disk.img" <<TABLE
label: dos
label-id: 0x50415241
start=$fat_start, size=$fat_sectors, type=6, bootable
start=$ext_start, size=$ext_sectors, type=83
TABLE
dd if="$fat" of="$scratch/disk.img" bs=$sector seek=$fat_start conv=notrunc,sparse status=none
dd if="$ext" of="$scratch/disk.img" bs=$sector seek=$ext_start conv=notrunc,sparse status=none
mv "$scratch/disk.img" "$out"
