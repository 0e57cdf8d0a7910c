// SPDX-License-Identifier: GPL-2.0-only
#include "fake_vm.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

char fake_dir[64];

static bool is_paused(void *opaque)
{
	return ((struct fake_vm *)opaque)->paused;
}

static void do_pause(void *opaque)
{
	struct fake_vm *vm = opaque;

	if (!vm->paused)
		control_event(vm->control, "STOP");
	vm->paused = true;
}

static void do_resume(void *opaque)
{
	struct fake_vm *vm = opaque;

	if (vm->paused)
		control_event(vm->control, "RESUME");
	vm->paused = false;
}

static void do_reset(void *opaque)
{
	struct fake_vm *vm = opaque;

	vm->resets++;
	control_event_cause(vm->control, "RESET", false,
			    "host-qmp-system-reset");
}

static void do_quit(void *opaque)
{
	struct fake_vm *vm = opaque;

	vm->quits++;
	evloop_stop(vm->loop);
}

static int powerdown(void *opaque, struct error *err)
{
	struct fake_vm *vm = opaque;

	if (!vm->has_key)
		return error_set(err, TL_FAIL, ENODEV, "there is no key");
	vm->powerdowns++;
	control_event(vm->control, "POWERDOWN");
	return 0;
}

static unsigned int nr_cpus(void *opaque)
{
	(void)opaque;
	return FAKE_CPUS;
}

static void cpu(void *opaque, unsigned int n, struct control_cpu *out)
{
	(void)opaque;
	*out = (struct control_cpu){ .tid = (pid_t)(100 + n), .width = 32 };
}

static char *describe(void *opaque)
{
	(void)opaque;
	return strdup("<domain type='kvm'/>\n");
}

static unsigned int nr_disks(void *opaque)
{
	(void)opaque;
	return 1;
}

static void disk(void *opaque, unsigned int n, struct control_disk *out)
{
	(void)opaque;
	(void)n;
	*out = (struct control_disk){ .name = "virtio0",
				      .file = "/tmp/caf\xe9.img",
				      .format = "raw",
				      .size = 1 << 20,
				      .read_only = true };
}

static int balloon_get(void *opaque, uint64_t *actual, struct error *err)
{
	struct fake_vm *vm = opaque;

	if (!vm->has_balloon)
		return error_set(err, TL_FAIL, ENODEV, "there is no balloon");
	*actual = vm->memory;
	return 0;
}

static int balloon_set(void *opaque, uint64_t target, struct error *err)
{
	struct fake_vm *vm = opaque;

	if (!vm->has_balloon)
		return error_set(err, TL_FAIL, ENODEV, "there is no balloon");
	vm->memory = target;
	control_event_balloon(vm->control, target);
	return 0;
}

static int stats(void *opaque, int which,
		 int (*fn)(void *arg, const struct control_stat *stat),
		 void *arg, struct error *err)
{
	static const uint64_t buckets[4] = { 1, 2, 3, 4 };
	const uint64_t exits = which < 0 ? 7 : 1000 + (uint64_t)which;
	const uint64_t zero = 0;
	const struct control_stat list[] = {
		{ .name = "exits",
		  .type = "cumulative",
		  .value = &exits,
		  .nr = 1 },
		{ .name = "idle",
		  .type = "cumulative",
		  .unit = "seconds",
		  .base = 10,
		  .exponent = -9,
		  .value = &zero,
		  .nr = 1 },
		{ .name = "blocking",
		  .type = "instant",
		  .unit = "boolean",
		  .value = &zero,
		  .nr = 1 },
		{ .name = "hist",
		  .type = "linear-histogram",
		  .bucket_size = 8,
		  .value = buckets,
		  .nr = 4 },
	};
	struct fake_vm *vm = opaque;
	size_t i;
	int ret = 0;

	if (vm->no_stats)
		return -ENOSYS;
	if (vm->stats_fail)
		return error_set(err, TL_HOST, EIO, "no reading today");
	for (i = 0; !ret && i < sizeof(list) / sizeof(list[0]); i++)
		ret = fn(arg, &list[i]);
	for (i = 0; !ret && i < vm->many; i++)
		ret = fn(arg, &list[0]);
	return ret;
}

static const struct control_ops ops = {
	.is_paused = is_paused,
	.pause = do_pause,
	.resume = do_resume,
	.reset = do_reset,
	.quit = do_quit,
	.powerdown = powerdown,
	.nr_cpus = nr_cpus,
	.cpu = cpu,
	.describe = describe,
	.nr_disks = nr_disks,
	.disk = disk,
	.balloon_get = balloon_get,
	.balloon_set = balloon_set,
	.stats = stats,
};

static void *serve(void *opaque)
{
	struct fake_vm *vm = opaque;

	evloop_run(vm->loop, NULL);
	control_event_cause(vm->control, "SHUTDOWN", false, "host-qmp-quit");
	control_close(vm->control);
	return NULL;
}

void fake_vm_start(struct fake_vm *vm, const char *name, unsigned int stall_ms)
{
	struct control_config config = {
		.name = name,
		.ops = &ops,
		.opaque = vm,
		.stall_ms = stall_ms,
	};
	struct error err = { 0 };

	signal(SIGPIPE, SIG_DFL);
	vm->loop = evloop_new(NULL);
	assert_non_null(vm->loop);
	config.loop = vm->loop;
	if (control_open(&config, &vm->control, &err))
		fail_msg("%s", err.text);
	assert_int_equal(pthread_create(&vm->thread, NULL, serve, vm), 0);
}

void fake_vm_stop(struct fake_vm *vm)
{
	evloop_stop(vm->loop);
	pthread_join(vm->thread, NULL);
	evloop_free(vm->loop);
}

void fake_dir_make(void)
{
	snprintf(fake_dir, sizeof(fake_dir), "/tmp/tl-control-XXXXXX");
	assert_non_null(mkdtemp(fake_dir));
	setenv("XDG_RUNTIME_DIR", fake_dir, 1);
	setenv("HOME", fake_dir, 1);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fake_dir_remove(void)
{
	nftw(fake_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
