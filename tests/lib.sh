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
	scripts/nested-host --share "$share" --timeout "${HOST_TIMEOUT:-400}" \
		${HOST_KERNEL:+--kernel "$HOST_KERNEL"} "$@" -- sh /share/script >"$share/host.log" 2>&1 </dev/null
	local status=$?
	if [ $status != 0 ]; then
		result 1 "the nested host ran its script" \
			"status $status; $(tail -n 12 "$share/host.log")"
		finish
	fi
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
