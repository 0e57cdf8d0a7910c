#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3028 # busybox has RANDOM
# The guest's part of tests/nested/disk: sh disk.sh TASK [ARGUMENT...]
task=$1
shift

# sum DEVICE MIB: of its first MIB, from the device and not from memory
sum()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	dd if="$1" bs=1M count="$2" 2>/dev/null | md5sum | cut -d' ' -f1
}

# stamp CHARACTER DEVICE: a MiB of it, durable
stamp()
{
	tr '\0' "$1" </dev/zero | dd of="$2" bs=64k count=16 \
		iflag=fullblock conv=fsync 2>/dev/null
}

# power-cut ROUND: on the file systems of all disks write files, make them
# durable, and only then say so; other writes go on that are never made durable.
power_cut()
{
	for dev in /dev/vd?; do
		dir=/mnt/${dev#/dev/}
		mkdir -p "$dir"
		mount -t ext4 "$dev" "$dir" || return
		# Room is limited; what the last round left is still judged.
		rm -rf "$dir/r$(($1 - 2))"
		mkdir "$dir/r$1"
		while :; do
			dd if=/dev/urandom of="$dir/noise" bs=4k count=64 \
				seek=$((RANDOM % 512)) conv=notrunc 2>/dev/null
			usleep 50000
		done &
	done
	i=0
	while [ $((i += 1)) -le 60 ]; do
		for dir in /mnt/vd?; do
			dd if=/dev/urandom of="$dir/r$1/f$i" \
				bs=$((RANDOM % 2000 + 1)) \
				count=$((RANDOM % 20 + 1)) 2>/dev/null
		done
		sync
		for dir in /mnt/vd?; do
			md5=$(md5sum <"$dir/r$1/f$i")
			echo "flushed ${dir#/mnt/} r$1/f$i ${md5%% *} ."
		done
	done
	sleep 60
}

case $task in
power-cut) power_cut "$1" ;;
snapshot)
	stamp "$1" /dev/vda
	sleep 3 # the other one writes meanwhile
	echo "sum $(sum /dev/vda 1)"
	;;
stamp)
	stamp "$1" /dev/vda
	echo "sum $(sum /dev/vda 1)"
	;;
sum) echo "sum $(sum /dev/vda 1)" ;;
write-if-can)
	echo "sum $(sum /dev/vda 1)"
	stamp Z /dev/vda || echo refused
	;;
facts)
	cd /sys/block/vda || exit
	echo "serial $(cat serial) queues $(find mq -name nr_tags | wc -l)"
	cd queue || exit
	echo "discard $(cat discard_max_bytes) zeroes $(cat \
		write_zeroes_max_bytes) cache $(cat write_cache)"
	echo "physical $(cat physical_block_size) optimal $(cat \
		optimal_io_size)"
	echo 'write through' >write_cache
	echo "cache now $(cat write_cache)"
	;;
discard)
	stamp A /dev/vda
	dd if=/dev/vda of=/dev/vda bs=1M seek=1 count=1 conv=fsync 2>/dev/null
	echo written
	sleep 2 # the host looks
	blkdiscard -o 0 -l 1048576 /dev/vda || echo discard failed
	/test/blkload zero /dev/vda 1048576 65536 || echo zeroes failed
	echo "sum $(dd if=/dev/vda bs=64k skip=16 count=1 2>/dev/null |
		tr -d '\0' | wc -c) $(dd if=/dev/vda bs=64k skip=17 count=1 \
		2>/dev/null | tr -d A | wc -c)"
	;;
full)
	stamp A /dev/vda && echo first ok
	dd if=/dev/zero of=/dev/vda bs=1M seek=1 count=20 conv=fsync \
		2>/dev/null || echo I/O error
	echo "sum $(sum /dev/vda 1)"
	;;
shrink)
	stamp A /dev/vda
	echo ready
	i=0
	while [ $((i += 1)) -lt 100 ]; do
		echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vda bs=64k skip=100 count=1 2>/dev/null >&2 || break
		usleep 100000
	done
	[ $i = 100 ] || echo I/O error
	echo "sum $(sum /dev/vda 1)"
	;;
load)
	for depth; do
		/test/blkload read /dev/vda "$depth" 4000
	done
	;;
esac
