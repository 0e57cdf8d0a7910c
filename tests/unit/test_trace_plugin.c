// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <event-parse.h>
#include <trace-cmd.h>
#include <trace-seq.h>

/*
 * trace/plugin_kvm_arm.c, called as libtraceevent calls it, and by trace-cmd if
 * there is one.  tests/golden/plugin.txt has lines of each event; after a
 * wanted change: GOLDEN_UPDATE=1, and read the diff.
 */
int TEP_PLUGIN_LOADER(struct tep_handle *tep);
void TEP_PLUGIN_UNLOADER(struct tep_handle *tep);

#define GOLDEN "tests/golden/"

/* Lines of each event of a trace that go to the golden file. */
#define SAMPLES 4

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libtracecmd\nleak:vsscanf\n";
}

static const char *const complaint[] = {
	"FIND FIELD", "FAILED TO PARSE", ">c<",       "UNKN)",
	"<no ",       "Unhandled",       "failed to", "could not",
};

static void assert_no_complaint(const char *line)
{
	for (size_t i = 0; i < sizeof(complaint) / sizeof(complaint[0]); i++)
		if (strstr(line, complaint[i]))
			fail_msg("%s", line);
}

struct printing {
	struct tep_handle *tep;
	FILE *out;
	unsigned int seen[1 << 12];
	unsigned int lines;
};

static int print_record(struct tracecmd_input *input, struct tep_record *record,
			int cpu, void *opaque)
{
	struct printing *p = opaque;
	int type = tep_data_type(p->tep, record);
	struct trace_seq seq;

	(void)input;
	(void)cpu;
	trace_seq_init(&seq);
	tep_print_event(p->tep, &seq, record, "%s: %s", TEP_PRINT_NAME,
			TEP_PRINT_INFO);
	trace_seq_terminate(&seq);
	assert_no_complaint(seq.buffer);
	assert_true(type >= 0 && type < 1 << 12);
	if (p->seen[type]++ < SAMPLES)
		fprintf(p->out, "%s\n", seq.buffer);
	p->lines++;
	trace_seq_destroy(&seq);
	return 0;
}

/* Every event of the trace, those of other buffers too. */
static unsigned int print_trace(const char *name, FILE *out)
{
	struct printing *p = calloc(1, sizeof(*p));
	struct tracecmd_input *input, *handle[4];
	char path[128];
	unsigned int lines;
	int nr = 1;

	assert_non_null(p);
	snprintf(path, sizeof(path), GOLDEN "%s.dat", name);
	input = tracecmd_open(path, TRACECMD_FL_LOAD_NO_PLUGINS);
	assert_non_null(input);
	p->tep = tracecmd_get_tep(input);
	p->out = out;
	assert_int_equal(TEP_PLUGIN_LOADER(p->tep), 0);
	fprintf(out, "--- %s\n", name);
	handle[0] = input;
	for (int i = 0; i < tracecmd_buffer_instances(input) && nr < 4; i++)
		handle[nr++] = tracecmd_buffer_instance_handle(input, i);
	assert_int_equal(
		tracecmd_iterate_events_multi(handle, nr, print_record, p), 0);
	TEP_PLUGIN_UNLOADER(p->tep);
	while (nr > 1)
		tracecmd_close(handle[--nr]);
	tracecmd_close(input);
	lines = p->lines;
	free(p);
	return lines;
}

static void test_golden(void **state)
{
	char *got = NULL, *want;
	size_t size, n;
	FILE *out = open_memstream(&got, &size), *file;

	(void)state;
	assert_non_null(out);
	assert_int_equal(print_trace("patched-2vcpu", out), 959);
	assert_int_equal(print_trace("patched-lost", out), 8533);
	assert_int_equal(print_trace("stock-2vcpu", out), 1022);
	assert_int_equal(print_trace("stock-v6", out), 796);
	assert_int_equal(print_trace("stock-instance", out), 818);
	fclose(out);
	if (getenv("GOLDEN_UPDATE")) {
		file = fopen(GOLDEN "plugin.txt", "w");
		assert_non_null(file);
		fputs(got, file);
		fclose(file);
	}
	file = fopen(GOLDEN "plugin.txt", "r");
	want = calloc(1, size + 2);
	assert_non_null(want);
	if (!file)
		fail_msg("run from the top of the tree");
	n = fread(want, 1, size + 1, file);
	fclose(file);
	assert_int_equal(n, size);
	assert_string_equal(got, want);
	free(want);
	free(got);
}

/* --- events that no golden trace has ---------------------------------------*/

#define COMMON                                                                 \
	"format:\n"                                                            \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	"\tfield:unsigned char "                                               \
	"common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"               \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define U32(name, at)                                                \
	"\tfield:unsigned int " name ";\toffset:" #at ";\tsize:4;\t" \
	"signed:0;\n"

static const char *print_one(const char *format, int long_size,
			     const uint32_t *data, size_t size)
{
	static char text[512];
	struct tep_record record = { .data = (void *)data, .size = (int)size };
	struct tep_handle *tep = tep_alloc();
	struct trace_seq seq;

	assert_non_null(tep);
	tep_set_long_size(tep, long_size);
	assert_int_equal(TEP_PLUGIN_LOADER(tep), 0);
	assert_int_equal(tep_parse_event(tep, format, strlen(format), "kvm"),
			 0);
	trace_seq_init(&seq);
	tep_print_event(tep, &seq, &record, "%s", TEP_PRINT_INFO);
	trace_seq_terminate(&seq);
	snprintf(text, sizeof(text), "%s", seq.buffer);
	trace_seq_destroy(&seq);
	tep_free(tep);
	return text;
}

#define PRINT(format, long_size, ...)                                     \
	print_one(format, long_size, (uint32_t[]){ 7, 100, __VA_ARGS__ }, \
		  sizeof((uint32_t[]){ 7, 100, __VA_ARGS__ }))

/* Linux 5.4 on an ARMv7 host: names and return codes of its own. */
static void test_host32(void **state)
{
	static const char exit[] = "name: kvm_exit\nID: 7\n" COMMON U32("idx",
									8)
		U32("exit_reason", 12)
			U32("vcpu_pc", 16) "\nprint fmt: \"%d\", REC->idx\n";
	static const char hvc[] =
		"name: kvm_hvc\nID: 7\n" COMMON U32("vcpu_pc", 8) U32("r0", 12)
			U32("imm", 16) "\nprint fmt: \"%d\", REC->r0\n";
	static const char wfx[] =
		"name: kvm_wfx\nID: 7\n" COMMON U32("vcpu_pc", 8)
			U32("is_wfe", 12) "\nprint fmt: \"%d\", REC->vcpu_pc\n";
	static const char imp[] =
		"name: kvm_emulate_cp15_imp\nID: 7\n" COMMON U32("Op1", 8) U32(
			"Rt1", 12) U32("CRn", 16) U32("CRm", 20) U32("Op2", 24)
			U32("is_write", 28) "\nprint fmt: \"%d\", REC->Op1\n";

	(void)state;
	assert_string_equal(PRINT(exit, 4, 7, 0x24, 0x8000),
			    "TRAP DABT_LOW (0x24): data abort, PC 0x8000");
	assert_string_equal(PRINT(exit, 4, 5, 0, 0x8000), "IRQ, PC 0x8000");
	assert_string_equal(PRINT(exit, 4, 4, 0, 0x8000), "SERROR, PC 0x8000");
	assert_string_equal(PRINT(exit, 4, 1, 0, 0x8000), "OTHER, PC 0x8000");
	assert_string_equal(PRINT(exit, 8, 1, 0, 0x8000), "SERROR, PC 0x8000");
	assert_string_equal(PRINT(exit, 8, 0x80000000, 0, 0x8000),
			    "IRQ, PC 0x8000");
	assert_string_equal(PRINT(exit, 8, 2, 0xffffffff, 0x8000),
			    "TRAP RESERVED (0x3f): reserved class, PC 0x8000");
	assert_string_equal(PRINT(hvc, 4, 0x8000, 0x84000008, 0),
			    "PSCI_SYSTEM_OFF, r0 0x84000008, HVC #0, "
			    "PC 0x8000");
	assert_string_equal(PRINT(wfx, 4, 0x8000, 1), "WFE, PC 0x8000");
	assert_string_equal(PRINT(imp, 4, 0, 0, 1, 0, 1, 1), "write of ACTLR");
	/* a format that no kernel has: the library prints it, not we */
	assert_string_equal(
		PRINT("name: kvm_wfx\nID: 7\n" COMMON U32(
			      "x", 8) "\nprint fmt: \"x=%d\", REC->x\n",
		      4, 3),
		"x=3");
}

/* x86's kvm_entry and kvm_exit are not ours; its plugin is not loaded here. */
static void test_other_architecture(void **state)
{
	static const char entry[] =
		"name: kvm_entry\nID: 7\n" COMMON U32("vcpu_id", 8)
			U32("rip", 12) "\nprint fmt: \"rip %d\", REC->rip\n";
	static const char exit[] =
		"name: kvm_exit\nID: 7\n" COMMON U32("exit_reason", 8)
			U32("guest_rip",
			    12) "\nprint fmt: \"x86 %d\", REC->exit_reason\n";

	(void)state;
	assert_string_equal(PRINT(entry, 8, 0, 5), "rip 5");
	assert_string_equal(PRINT(exit, 8, 48, 5), "x86 48");
}

/* --- the real thing --------------------------------------------------------*/

static char plugin_dir[PATH_MAX];

static void run_report(const char *env, const char *trace)
{
	char command[3 * PATH_MAX], line[4096];
	bool ours = false;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "%s TRACEEVENT_PLUGIN_DIR='%s' trace-cmd report " GOLDEN
		 "%s.dat 2>&1",
		 env, plugin_dir, trace);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		assert_no_complaint(line);
		if (strstr(line, "kvm_exit: ") &&
		    strstr(line, ": CP15 MCR or MRC, PC 0x"))
			ours = true;
	}
	assert_int_equal(pclose(pipe), 0);
	assert_true(ours);
}

static int run(const char *command)
{
	FILE *pipe = popen(command, "w");

	assert_non_null(pipe);
	return pclose(pipe);
}

static void test_trace_cmd(void **state)
{
	char command[3 * PATH_MAX];
	char home[] = "/tmp/trapline-test-XXXXXX", env[64];

	(void)state;
	if (run("command -v trace-cmd >/dev/null"))
		skip();
	run_report("", "patched-lost");
	run_report("", "stock-v6");
	/* libtraceevent's plugin after ours: the user's own directory is later */
	assert_non_null(mkdtemp(home));
	snprintf(command, sizeof(command),
		 "set -e; cd %s; mkdir -p .local/lib/traceevent/plugins; "
		 "find /usr/lib* -name plugin_kvm.so "
		 "-exec cp {} .local/lib/traceevent/plugins/ ';' 2>/dev/null",
		 home);
	assert_int_equal(run(command), 0);
	snprintf(env, sizeof(env), "HOME=%s", home);
	run_report(env, "stock-v6");
	snprintf(command, sizeof(command), "rm -rf %s", home);
	assert_int_equal(run(command), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_host32),
		cmocka_unit_test(test_other_architecture),
		cmocka_unit_test(test_trace_cmd),
	};
	char self[PATH_MAX];

	(void)argc;
	snprintf(self, sizeof(self), "%s", argv[0]);
	if (snprintf(plugin_dir, sizeof(plugin_dir), "%s/plugins",
		     dirname(self)) >= (int)sizeof(plugin_dir))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
