# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the nested tests share.  A test is a script that sources this file,
# leaves work for the nested host with `host`, and then judges what came back.
#
# Inside the host every case is one line `t NAME COMMAND...` (see
# tests/host-side.sh): output, errors and status are kept in NAME.out, NAME.err
# and NAME.status in the shared directory, where the checks below look.
set -u

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
O=${O:-build}
TRAPLINE_CACHE=${TRAPLINE_CACHE:-$O/cache}
test_name=$(basename "$0")
share=$O/test/$test_name
report=$O/native/trapline-report
count=0 bad=0

rm -rf "$share"
mkdir -p "$share"

# NAME-a15 is a test, or a link to the test NAME, for a 32-bit host.  No package
# has a kernel for one: HOST32_KERNEL=zImage names it, or HOST32_SOURCE=DIR the
# sources.
host_arch=arm64 width=64
case $test_name in
*-a15)
	host_arch=arm width=32
	if [ -z "${HOST32_KERNEL-}${HOST32_SOURCE-}" ]; then
		echo "ok 1 - $test_name # SKIP no 32-bit host: set" \
			"HOST32_KERNEL=zImage or HOST32_SOURCE=DIR" \
			"(docs/testing.md)"
		echo "1..1"
		exit 0
	fi
	;;
# NAME-6.12 is a link to the test NAME, for a host with Linux 6.12 and its series,
# which takes as long to build as all else together.
*-6.12)
	if [ -z "${HOST612_KERNEL-}" ]; then
		echo "ok 1 - $test_name # SKIP no Linux 6.12: set" \
			"HOST612_KERNEL=Image (docs/testing.md)"
		echo "1..1"
		exit 0
	fi
	HOST_KERNEL=$HOST612_KERNEL
	;;
esac

# result STATUS WHAT [WHY]
result()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		[ -z "${3-}" ] || printf '%s\n' "$3" | sed 's/^/#   /'
		bad=1
	fi
}

# skip WHAT WHY
skip()
{
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# which_host : set options to nested-host's for the host of this test
which_host()
{
	if [ $host_arch = arm64 ]; then
		options=(${HOST_KERNEL:+--kernel "$HOST_KERNEL"})
	elif [ -n "${HOST32_KERNEL-}" ]; then
		options=(--arch arm --kernel "$HOST32_KERNEL")
	else
		options=(--arch arm --source "$HOST32_SOURCE")
	fi
}

# host OPTION... : run standard input as a script in a nested host.  HOST_KERNEL
# in the environment names another kernel than the patched one.  Where the host
# itself fails the test ends: its cases would only say so again.
host()
{
	{
		cat tests/host-side.sh
		cat
	} >"$share/script"
	# SC2094: nothing reads the log while it is written
	local options
	which_host
	scripts/nested-host --share "$share" --timeout "${HOST_TIMEOUT:-400}" \
		"${options[@]}" "$@" -- sh /share/script \
		>"$share/host.log" 2>&1 </dev/null
	local status=$?
	if [ $status != 0 ]; then
		result 1 "the nested host ran its script" \
			"status $status; $(tail -n 12 "$share/host.log")"
		finish
	fi
}

# Debian's kernel and an initrd of the width of the test's host
# shellcheck disable=SC2034 # for the tests
case $host_arch in
arm64) linux=$TRAPLINE_CACHE/guest-arm64 ;;
arm) linux=$TRAPLINE_CACHE/guest-armhf ;;
esac

# host_cc OPTION... : compile a program for the test's host
host_cc()
{
	local cc
	case $(uname -m)-$host_arch in
	aarch64-arm64 | armv7*-arm) cc=gcc ;;
	*-arm64) cc=aarch64-linux-gnu-gcc ;;
	*) cc=arm-linux-gnueabihf-gcc ;;
	esac
	$cc -std=c11 -D_GNU_SOURCE -static -O1 -Wall -Wextra "$@"
}

# payloads NAME... : bare-metal guests, of the width of the test's host
payloads()
{
	local name
	for name; do
		cp "$O/guests/$name$width.bin" "$share/$name.bin"
	done
}

# is WHAT EXPECTED ACTUAL
is()
{
	[ "$2" = "$3" ]
	result $? "$1" "expected '$2', got '$3'"
}

# status_is CASE STATUS
status_is()
{
	is "$1 ends with status $2" "$2" "$(cat "$share/$1.status" 2>&1)"
}

# shows CASE PATTERN : the output (stdout) has a line that matches.
shows()
{
	tr -d '\r' <"$share/$1.out" 2>/dev/null | grep -qE -- "$2"
	result $? "$1 shows '$2'" "$(tail -n 12 "$share/$1.out" 2>&1)"
}

# fails CASE STATUS PATTERN : it ended with STATUS and said so in one line on
# stderr that matches PATTERN, with neither a core dump nor a sanitizer report.
fails()
{
	local err=$share/$1.err lines
	status_is "$1" "$2"
	lines=$(wc -l <"$err" 2>/dev/null)
	[ "$lines" = 1 ] && grep -qE -- "^trapline: .*$3" "$err"
	result $? "$1 says one line with '$3'" "$(cat "$err" 2>&1)"
}

# profile CASE : the trace CASE.dat of a run: the report's totals equal the
# kernel's counters, and so does what trace-cmd makes of the same file.
profile()
{
	local dat=$share/$1.dat
	if [ $host_arch = arm ] &&
		[ "$(jq .patched "$dat.vm.json" 2>&1)" = false ]; then
		skip "$1: the profile's sums" "this 32-bit host is not patched"
		return
	fi
	"$report" "$dat" >"$share/$1.report" 2>"$share/$1.report.err"
	is "$1: the report has no complaint" "0 " \
		"$? $(cat "$share/$1.report.err")"
	is "$1: exits in the trace equal the kernel's counters" \
		"$(jq_stat "$dat.vm.json" exits)" "$(events "$1" kvm_vcpu_exit)"
	is "$1: traps in the trace equal the kernel's counters" \
		"$(jq_stat "$dat.vm.json" trap_exits)" \
		"$(events "$1" kvm_exchvc)"
	is "$1: the report prints the kernel's exit count" \
		"$(jq_stat "$dat.vm.json" exits)" \
		"$(sed -n 's/^exit count: *\([0-9]*\).*/\1/p' "$share/$1.report")"
	is "$1: the report prints the kernel's trap count" \
		"$(jq_stat "$dat.vm.json" trap_exits)" \
		"$(sed -n 's/^trap count[^:]*: *\([0-9]*\).*/\1/p' \
			"$share/$1.report")"
}

# events CASE EVENT : how many, counted by trace-cmd and not by us
events()
{
	trace-cmd report "$share/$1.dat" 2>/dev/null |
		grep -c " $2:"
}

# jq_stat FILE NAME : a counter of FILE.vm.json, summed over the vCPUs
jq_stat()
{
	jq "[.vcpus[].stats.$2] | add" "$1" 2>&1
}

finish()
{
	echo "1..$count"
	exit $bad
}
