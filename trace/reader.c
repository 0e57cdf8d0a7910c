// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event-parse.h>
#include <trace-cmd.h>

#include "reader.h"

/* Where a field is in a record.  size 0: this kernel's event has no such. */
struct field {
	uint16_t offset;
	uint8_t size;
};

/* Fields by role; what each holds depends on the event, see fill(). */
#define FIELDS 9

struct format {
	enum ev_type type;
	bool known;
	struct field field[FIELDS];
};

/*
 * Events by name, and for each role of its struct event the names that kernels
 * have had for the field.  A missing @needed field (the first ones) makes the
 * event unusable: it is then counted, not decoded.
 */
static const struct {
	const char *name;
	enum ev_type type;
	unsigned int needed;
	const char *field[FIELDS][3];
} known[] = {
	{ "kvm_entry", EV_ENTRY, 0, { { "vcpu_pc" } } },
	{ "kvm_exit",
	  EV_EXIT,
	  3,
	  { { "vcpu_pc" },
	    { "ret", "idx", "exit_code" },
	    { "esr_ec", "exit_reason", "hsr_ec" } } },
	{ "kvm_vcpu_exit",
	  EV_VCPU_EXIT,
	  4,
	  { { "pc" },
	    { "vcpu_id" },
	    { "kind" },
	    { "nr" },
	    { "ec" },
	    { "esr" },
	    { "far" },
	    { "ipa" } } },
	{ "kvm_exchvc",
	  EV_EXCHVC,
	  5,
	  { { "pc" }, { "vcpu_id" }, { "nr" }, { "cond_valid" }, { "esr" } } },
	{ "kvm_guest_fault",
	  EV_FAULT,
	  4,
	  { { "vcpu_pc" }, { "hsr", "esr" }, { "hxfar", "far" }, { "ipa" } } },
	{ "kvm_mmio", EV_MMIO, 3, { { NULL }, { "type" }, { "gpa" } } },
	{ "kvm_hvc", EV_HVC, 2, { { "vcpu_pc" }, { "r0" } } },
	{ "kvm_hvc_arm64", EV_HVC, 2, { { "vcpu_pc" }, { "r0" } } },
	{ "kvm_wfx", EV_WFX, 2, { { "vcpu_pc" }, { "is_wfe" } } },
	{ "kvm_wfx_arm64", EV_WFX, 2, { { "vcpu_pc" }, { "is_wfe" } } },
	{ "kvm_sys_access",
	  EV_SYS_ACCESS,
	  7,
	  { { "vcpu_pc" },
	    { "is_write" },
	    { "Op0" },
	    { "Op1" },
	    { "CRn" },
	    { "CRm" },
	    { "Op2" } } },
	{ "kvm_emulate_cp15_imp",
	  EV_SYS_ACCESS,
	  0,
	  { { NULL },
	    { "is_write" },
	    { NULL },
	    { "Op1" },
	    { "CRn" },
	    { "CRm" },
	    { "Op2" } } },
	{ "kvm_handle_sys_reg", EV_SYS_ESR, 2, { { NULL }, { "hsr" } } },
	{ "kvm_userspace_exit", EV_USER, 2, { { NULL }, { "reason" } } },
	{ "irq_handler_entry", EV_IRQ, 2, { { NULL }, { "irq" }, { "name" } } },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

/* KVM's numbers for kvm_mmio's type (include/trace/events/kvm.h). */
#define MMIO_WRITE 2

struct reader {
	char *path;
	struct tracecmd_input *input;
	struct tracecmd_input **handle;
	int nr_handles;
	struct tep_handle *tep;
	struct format *format; /* by event id */
	int nr_formats;
	struct field id, tid;
	bool swap;
	struct reader_info info;
	bool *buffer_used;
	int (*fn)(const struct event *event, void *opaque);
	void *opaque;
	int ret;
};

const struct reader_info *reader_info(const struct reader *reader)
{
	return &reader->info;
}

/*
 * The files that people pass by mistake, before libtracecmd gets to see them:
 * its own messages say little.
 */
static int check_file(const char *path, struct error *err)
{
	static const char magic[] = "\x17\x08\x44tracing";
	char head[sizeof(magic) - 1];
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return error_set(
			err, TL_TRACE, errno, "%s: %s%s", path, strerror(errno),
			errno == ENOENT
				? "; record one with: trapline run --trace FILE, or trace-cmd record -e kvm"
				: "");
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return error_set(err, TL_TRACE, EINVAL,
				 "%s: not a file; name a trace.dat", path);
	}
	n = read(fd, head, sizeof(head));
	close(fd);
	if (!st.st_size)
		return error_set(err, TL_TRACE, EINVAL,
				 "%s: empty; the recording did not finish",
				 path);
	if (n < (ssize_t)sizeof(head) || memcmp(head, magic, sizeof(head)))
		return error_set(
			err, TL_TRACE, EINVAL,
			"%s: not a trace.dat; record one with: trapline run --trace FILE, or trace-cmd record -e kvm",
			path);
	return 0;
}

static int truncated(const char *path, struct error *err)
{
	return error_set(err, TL_TRACE, EINVAL,
			 "%s: truncated or damaged trace.dat; record again",
			 path);
}

static struct field find_field(struct tep_event *event,
			       const char *const names[3])
{
	struct field field = { 0, 0 };

	for (int i = 0; i < 3 && names[i]; i++) {
		struct tep_format_field *f =
			tep_find_any_field(event, names[i]);

		if (!f)
			continue;
		if (f->offset < 0 || f->offset > UINT16_MAX ||
		    (f->size != 1 && f->size != 2 && f->size != 4 &&
		     f->size != 8))
			break;
		field.offset = (uint16_t)f->offset;
		field.size = (uint8_t)f->size;
		break;
	}
	return field;
}

/* Look up every event and field once, not for each record. */
static int learn_formats(struct reader *reader, struct error *err)
{
	static const char *const type_name[3] = { "common_type" };
	static const char *const pid_name[3] = { "common_pid" };

	for (size_t k = 0; k < KNOWN; k++) {
		struct tep_event *event = tep_find_event_by_name(
			reader->tep, known[k].type == EV_IRQ ? "irq" : "kvm",
			known[k].name);
		struct format *format;

		if (!event || event->id < 0 || event->id > UINT16_MAX)
			continue;
		if (event->id >= reader->nr_formats) {
			format = realloc(reader->format, ((size_t)event->id +
							  1) * sizeof(*format));
			if (!format)
				return error_set(err, TL_FAIL, ENOMEM,
						 "out of memory");
			memset(format + reader->nr_formats, 0,
			       (size_t)(event->id + 1 - reader->nr_formats) *
				       sizeof(*format));
			reader->format = format;
			reader->nr_formats = event->id + 1;
		}
		format = &reader->format[event->id];
		format->known = true;
		format->type = known[k].type;
		for (unsigned int i = 0; i < FIELDS; i++) {
			if (!known[k].field[i][0])
				continue;
			format->field[i] = find_field(event, known[k].field[i]);
			if (i < known[k].needed && !format->field[i].size)
				format->known = false;
		}
		if (!reader->tid.size) {
			reader->id = find_field(event, type_name);
			reader->tid = find_field(event, pid_name);
		}
	}
	if (!reader->tid.size || !reader->id.size)
		return error_set(
			err, TL_TRACE, ENODATA,
			"%s: no KVM events in it; record with: trapline run --trace FILE, or trace-cmd record -e kvm",
			reader->path);
	return 0;
}

static int open_buffers(struct reader *reader, struct error *err)
{
	int instances = tracecmd_buffer_instances(reader->input);

	if (instances < 0)
		instances = 0;
	reader->handle =
		calloc((size_t)instances + 1, sizeof(struct tracecmd_input *));
	reader->buffer_used = calloc((size_t)instances + 1, sizeof(bool));
	if (!reader->handle || !reader->buffer_used)
		return error_set(err, TL_FAIL, ENOMEM, "out of memory");
	reader->handle[reader->nr_handles++] = reader->input;
	for (int i = 0; i < instances; i++) {
		struct tracecmd_input *handle =
			tracecmd_buffer_instance_handle(reader->input, i);

		if (!handle)
			return truncated(reader->path, err);
		reader->handle[reader->nr_handles++] = handle;
	}
	for (int i = 0; i < reader->nr_handles; i++)
		tracecmd_set_private(reader->handle[i],
				     &reader->buffer_used[i]);
	return 0;
}

struct reader *reader_open(const char *path, struct error *err)
{
	struct reader *reader;

	if (check_file(path, err))
		return NULL;
	reader = calloc(1, sizeof(*reader));
	if (!reader || !(reader->path = strdup(path))) {
		error_set(err, TL_FAIL, ENOMEM, "out of memory");
		goto fail;
	}
	/* Their messages name neither the file nor what to do about it. */
	tracecmd_set_loglevel(TEP_LOG_NONE);
	tracefs_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	reader->input = tracecmd_open(path, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!reader->input) {
		truncated(path, err);
		goto fail;
	}
	reader->tep = tracecmd_get_tep(reader->input);
	reader->swap = tep_is_file_bigendian(reader->tep) !=
		       tep_is_local_bigendian(reader->tep);
	reader->info.host32 = tep_get_long_size(reader->tep) == 4;
	reader->info.cpus = tep_get_cpus(reader->tep);
	if (learn_formats(reader, err) || open_buffers(reader, err))
		goto fail;
	return reader;
fail:
	reader_close(reader);
	return NULL;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	for (int i = reader->nr_handles - 1; i > 0; i--)
		tracecmd_close(reader->handle[i]);
	if (reader->input)
		tracecmd_close(reader->input);
	free(reader->handle);
	free(reader->buffer_used);
	free(reader->format);
	free(reader->path);
	free(reader);
}

/* A field's value; 0 for one that is absent or beyond the record's end. */
static uint64_t get(const struct reader *reader,
		    const struct tep_record *record, struct field field)
{
	const char *at = (const char *)record->data + field.offset;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	if (!field.size || field.offset + field.size > record->size)
		return 0;
	switch (field.size) {
	case 1:
		return *(const uint8_t *)at;
	case 2:
		memcpy(&v16, at, 2);
		return reader->swap ? __builtin_bswap16(v16) : v16;
	case 4:
		memcpy(&v32, at, 4);
		return reader->swap ? __builtin_bswap32(v32) : v32;
	default:
		memcpy(&v64, at, 8);
		return reader->swap ? __builtin_bswap64(v64) : v64;
	}
}

/*
 * kvm_exit's return code is the host architecture's: asm/kvm_asm.h of arm64
 * (IRQ 0, EL1_SERROR 1, TRAP 2, IL 3), and of arm up to Linux 5.6 (the vector
 * of the HYP mode: DATA_ABORT 4, IRQ 5, FIQ 6, HVC 7).
 */
static enum exit_kind kind_of(const struct reader *reader, uint64_t ret)
{
	static const enum exit_kind arm64[] = { EXIT_IRQ, EXIT_SERROR,
						EXIT_TRAP, EXIT_IL };

	/* ARM_EXIT_WITH_ABORT_BIT and its like are not part of the code */
	ret &= 0x7fffffff;
	if (reader->info.host32) {
		switch (ret) {
		case 4:
			return EXIT_SERROR;
		case 5:
		case 6:
			return EXIT_IRQ;
		case 7:
			return EXIT_TRAP;
		default:
			return EXIT_OTHER;
		}
	}
	return ret < 4 ? arm64[ret] : EXIT_OTHER;
}

/* A __data_loc field: the text's offset, and its length in the upper half. */
static void get_text(const struct reader *reader,
		     const struct tep_record *record, struct field field,
		     char *buf, size_t size)
{
	uint64_t loc = get(reader, record, field);
	size_t offset = loc & 0xffff, length = loc >> 16;

	if (!length || offset + length > (size_t)record->size)
		return;
	if (length > size - 1)
		length = size - 1;
	memcpy(buf, (const char *)record->data + offset, length);
}

static void fill(const struct reader *reader, const struct tep_record *record,
		 const struct format *format, struct event *ev)
{
#define GET(n) get(reader, record, format->field[n])
	ev->type = format->type;
	ev->pc = GET(0);
	switch (format->type) {
	case EV_EXIT:
		ev->exit.kind = kind_of(reader, GET(1));
		ev->exit.ec = GET(2) & 0x3f;
		break;
	case EV_VCPU_EXIT:
		ev->vexit.vcpu = (uint32_t)GET(1);
		ev->vexit.kind = (uint32_t)GET(2);
		ev->vexit.nr = GET(3);
		ev->vexit.ec = (uint32_t)GET(4);
		ev->vexit.esr = GET(5);
		ev->vexit.far = GET(6);
		ev->vexit.ipa = format->field[7].size ? GET(7) : EV_NO_IPA;
		break;
	case EV_EXCHVC:
		ev->exchvc.vcpu = (uint32_t)GET(1);
		ev->exchvc.nr = GET(2);
		ev->exchvc.cond_valid = GET(3);
		ev->exchvc.esr = GET(4);
		break;
	case EV_FAULT:
		ev->fault.esr = GET(1);
		ev->fault.far = GET(2);
		ev->fault.ipa = GET(3);
		break;
	case EV_MMIO:
		ev->mmio.write = GET(1) == MMIO_WRITE;
		ev->mmio.gpa = GET(2);
		break;
	case EV_HVC:
		ev->hvc.r0 = GET(1);
		break;
	case EV_WFX:
		ev->wfx.wfe = GET(1);
		break;
	case EV_SYS_ACCESS:
		ev->sys.write = GET(1);
		ev->sys.op0 = GET(2) & 0xf;
		ev->sys.op1 = GET(3) & 0xf;
		ev->sys.crn = GET(4) & 0xf;
		ev->sys.crm = GET(5) & 0xf;
		ev->sys.op2 = GET(6) & 0xf;
		break;
	case EV_SYS_ESR:
		ev->sys_esr.esr = GET(1);
		break;
	case EV_USER:
		ev->user.reason = (uint32_t)GET(1);
		break;
	case EV_IRQ:
		ev->irq.number = (uint32_t)GET(1);
		get_text(reader, record, format->field[2], ev->irq.name,
			 sizeof(ev->irq.name));
		break;
	default:
		break;
	}
#undef GET
}

static int missed(struct reader *reader, const struct tep_record *record)
{
	struct event ev = {
		.type = EV_LOST,
		.cpu = record->cpu,
		.ts = record->ts,
	};

	/* the kernel's count, or -1 where it only knows that there are some */
	ev.lost.count = record->missed_events;
	if (record->missed_events > 0)
		reader->info.lost += (uint64_t)record->missed_events;
	else
		reader->info.lost_unknown = true;
	return reader->fn(&ev, reader->opaque);
}

static int take_record(struct tracecmd_input *handle, struct tep_record *record,
		       int cpu, void *opaque)
{
	struct reader *reader = opaque;
	struct reader_info *info = &reader->info;
	bool *used = tracecmd_get_private(handle);
	struct event ev;
	uint64_t id;

	if (used && !*used) {
		*used = true;
		info->buffers++;
	}
	if (!info->events++)
		info->first_ts = record->ts;
	if (record->ts > info->last_ts)
		info->last_ts = record->ts;
	if (record->missed_events) {
		reader->ret = missed(reader, record);
		if (reader->ret)
			return -1;
	}
	id = get(reader, record, reader->id);
	if (id >= (uint64_t)reader->nr_formats || !reader->format[id].known)
		return 0;
	memset(&ev, 0, sizeof(ev));
	ev.tid = (int)get(reader, record, reader->tid);
	ev.cpu = cpu;
	ev.ts = record->ts;
	fill(reader, record, &reader->format[id], &ev);
	info->kvm[ev.type]++;
	reader->ret = reader->fn(&ev, reader->opaque);
	return reader->ret ? -1 : 0;
}

int reader_run(struct reader *reader,
	       int (*fn)(const struct event *event, void *opaque), void *opaque,
	       struct error *err)
{
	int ret;

	reader->fn = fn;
	reader->opaque = opaque;
	ret = tracecmd_iterate_events_multi(reader->handle, reader->nr_handles,
					    take_record, reader);
	if (reader->ret)
		return error_set(err, TL_FAIL, -reader->ret, "%s: %s",
				 reader->path, strerror(-reader->ret));
	if (ret)
		return truncated(reader->path, err);
	return 0;
}
