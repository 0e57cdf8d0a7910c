#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The cases of benchmarks/budgets, run by benchmarks/bench inside a nested host.
# What each leaves, in /share:
#
#   CASE.json  the kernel's counters    CASE.ns   instructions of the process
#   CASE.txt   what the guest printed   CASE.kib  private memory of the process
#
# qemu-CASE is QEMU with the same guest; its exits are counted by perf.
#
# The first run of all pays for reading the programs, and is not counted.
# shellcheck disable=SC2086 # options in variables
set -eu

cp /share/run/* /tmp
cd /tmp

keep()
{
	cp "$1.dat.vm.json" "/share/$1.json"
	cp "$1.txt" /share/
	rm "$1.dat" "$1.dat.vm.json"
}

# counted CASE OPTION... : a guest of trapline's, its exits
counted()
{
	name=$1
	shift
	trapline run --trace "$name.dat" "$@" >"$name.txt"
	keep "$name"
}

# costed CASE COMMAND... : the instructions of a run
costed()
{
	name=$1
	shift
	./cputime "/share/$name.ns" "$@" >/dev/null
}

small='-k zImage -i small.gz -m 256'
qemu='qemu-system-aarch64 -M virt,gic-version=host -accel kvm -smp 1 -m 256
	-display none -nodefaults -no-reboot -serial stdio
	-global virtio-mmio.force-legacy=false'
qemu_small="$qemu -cpu host,aarch64=off -kernel zImage -initrd small.gz"

# peer CASE COMMAND... : a guest of QEMU's, its exits
peer()
{
	name=$1
	shift
	perf stat -x, -o perf.txt -e kvm:kvm_exit,kvm:kvm_userspace_exit \
		"$@" </dev/null >"$name.txt"
	awk -F, '$3 == "kvm:kvm_exit" { all = $1 }
		$3 == "kvm:kvm_userspace_exit" { user = $1 }
		END { printf "{\"vcpus\": [{\"stats\": {\"exits\": %d, " \
			"\"userspace_exits\": %d}}]}\n", all, user }' \
		perf.txt >"/share/$name.json"
	cp "$name.txt" /share/
}

# for each depth a few requests and many, for the difference
blk()
{
	for depth in 1 32; do
		for nr in 500 2500; do
			"$1" "$depth" "$nr" "/test/blkload read /dev/vda $depth $nr"
		done
	done
}

blk_trapline()
{
	counted "blk$1-$2" -k vmlinuz64 -i initrd64.gz -m 256 \
		-d disk.img,ro -p "quiet trapline.run=\"$3\""
}

blk_qemu()
{
	peer "qemu-blk$1-$2" $qemu -cpu host -kernel vmlinuz64 \
		-initrd initrd64.gz -device virtio-blk-device,drive=d \
		-drive if=none,id=d,format=raw,readonly=on,file=disk.img \
		-append "console=ttyAMA0 quiet trapline.run=\"$3\""
}

# What belongs to it alone, but for the guest's RAM, while the guest idles.
memory()
{
	: >memory.txt
	trapline run $small --kernel-cache cache -p 'quiet bench=hold' \
		-d disk.img,ro --rng --balloon --port x=none >memory.txt &
	pid=$!
	until grep -q 'line 12' memory.txt; do
		sleep 1
	done
	awk '/^[0-9a-f]+-/ { ram = 0 }
		/^Size:/ { ram = $2 == 262144 }
		/^Private_Dirty:/ && !ram { sum += $2 }
		END { print sum }' /proc/$pid/smaps >/share/memory.kib
	kill $pid
	wait $pid || :
}

head -c 67108864 /dev/zero >disk.img
for _ in 1 2; do
	costed off64 trapline run -k off64.bin
done
costed read64 trapline run -k read64.bin
costed flag64 trapline run -k flag64.bin
costed off64-open trapline run --sandbox=none -k off64.bin
costed read64-open trapline run --sandbox=none -k read64.bin
for payload in off64 read64; do
	costed bare-$payload ./bare-kvm --filter $payload.bin
	costed bare-$payload-open ./bare-kvm $payload.bin
done
costed char64 trapline run -k char64.bin
counted char64 -k char64.bin
counted count64 -k count64.bin
counted armhf -k vmlinuz -i initrd.gz -m 256 \
	-p 'quiet trapline.run="true"'
for _ in 1 2; do
	costed boot trapline run $small --kernel-cache none -p quiet
done
for _ in 1 2; do
	costed cached trapline run $small --kernel-cache cache -p quiet
done
for _ in 1 2; do
	costed qemu-boot $qemu_small -append 'console=ttyAMA0 quiet'
done
counted serial $small -p quiet
peer qemu-serial $qemu_small -append 'console=ttyAMA0 quiet'
counted virtio $small --console virtio -p quiet
counted full $small
peer qemu-full $qemu_small -append console=ttyAMA0
memory
blk blk_trapline
blk blk_qemu
