// SPDX-License-Identifier: GPL-2.0-only
#include "fake_kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define RUN_SIZE 8192 /* kvm_run and the ring of coalesced writes */
#define MAX_FDS  256
#define RAM_SIZE 0x100000 /* no less */
/* The field of a register's id; sizes of 4 and 8 bytes are in use. */
#define REG_SIZE (15ULL << 52)

static struct {
	const struct fake_exit *next;
	void (*guest)(unsigned int vcpu, uint8_t *ram, struct fake_exit *next);
	uint8_t *ram;
	uint32_t read;
	atomic_int countdown;
	atomic_uint bad_closes;
	atomic_uint vms;
	_Atomic(const char *) failed;
} fake;

/* A vCPU's number and kvm_run, by descriptor. */
static struct {
	unsigned int id;
	struct kvm_run *run;
} vcpu_of[MAX_FDS];

void fake_kvm_play(const struct fake_exit *exits)
{
	fake.next = exits;
}

void fake_kvm_improvise(void (*guest)(unsigned int vcpu, uint8_t *ram,
				      struct fake_exit *next))
{
	fake.guest = guest;
}

unsigned int fake_kvm_vms(void)
{
	return fake.vms;
}

uint32_t fake_kvm_read(void)
{
	return fake.read;
}

void fake_kvm_fail(unsigned int nth)
{
	fake.failed = NULL;
	fake.countdown = (int)nth;
}

const char *fake_kvm_failed(void)
{
	return fake.failed;
}

_Thread_local bool fake_kvm_spared;

/* Whether it is this call's turn. */
static bool fails(const char *call)
{
	if (fake_kvm_spared || fake.countdown <= 0 ||
	    atomic_fetch_sub(&fake.countdown, 1) != 1)
		return false;
	fake.failed = call;
	return true;
}

/* --- calls that only fail or not -------------------------------------------*/

#define WRAP(type, error, errnum, call, params, args) \
	type __real_##call params;                    \
	type __wrap_##call params;                    \
	type __wrap_##call params                     \
	{                                             \
		if (fails(#call)) {                   \
			errno = (errnum);             \
			return error;                 \
		}                                     \
		return __real_##call args;            \
	}

WRAP(void *, NULL, ENOMEM, calloc, (size_t n, size_t m), (n, m))
WRAP(void *, NULL, ENOMEM, realloc, (void *p, size_t n), (p, n))
WRAP(char *, NULL, ENOMEM, strdup, (const char *s), (s))
WRAP(void *, MAP_FAILED, ENOMEM, mmap64,
     (void *at, size_t n, int prot, int flags, int fd, off_t offset),
     (at, n, prot, flags, fd, offset))
WRAP(int, -1, EMFILE, eventfd, (unsigned int n, int flags), (n, flags))
WRAP(int, -1, EMFILE, epoll_create1, (int flags), (flags))
WRAP(int, -1, ENOSPC, epoll_ctl,
     (int ep, int op, int fd, struct epoll_event *event), (ep, op, fd, event))
WRAP(int, -1, EMFILE, timerfd_create, (int clock, int flags), (clock, flags))
WRAP(int, -1, EMFILE, signalfd, (int fd, const sigset_t *set, int flags),
     (fd, set, flags))
WRAP(int, -1, EMFILE, socket, (int domain, int type, int proto),
     (domain, type, proto))
WRAP(int, -1, EADDRINUSE, bind,
     (int fd, const struct sockaddr *addr, socklen_t n), (fd, addr, n))
WRAP(int, -1, EADDRINUSE, listen, (int fd, int n), (fd, n))
WRAP(int, -1, EIO, fstat64, (int fd, struct stat *st), (fd, st))
WRAP(int, -1, ENOSPC, ftruncate64, (int fd, off_t size), (fd, size))
WRAP(int, -1, EWOULDBLOCK, flock, (int fd, int op), (fd, op))
WRAP(int, -1, EMFILE, memfd_create, (const char *name, unsigned int flags),
     (name, flags))
WRAP(int, -1, ENOSPC, mkostemp64, (char *path, int flags), (path, flags))
WRAP(ssize_t, -1, EIO, pread64, (int fd, void *buf, size_t n, off_t at),
     (fd, buf, n, at))
WRAP(int, EAGAIN, EAGAIN, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*fn)(void *),
      void *arg),
     (thread, attr, fn, arg))

WRAP(ssize_t, -1, EIO, preadv64,
     (int fd, const struct iovec *iov, int n, off_t at), (fd, iov, n, at))
WRAP(ssize_t, -1, ENOSPC, pwritev64,
     (int fd, const struct iovec *iov, int n, off_t at), (fd, iov, n, at))
WRAP(ssize_t, -1, ENOSPC, pwrite64,
     (int fd, const void *buf, size_t n, off_t at), (fd, buf, n, at))
WRAP(int, -1, EIO, fdatasync, (int fd), (fd))
WRAP(int, -1, EIO, fsync, (int fd), (fd))
WRAP(int, -1, ENOSPC, fallocate64, (int fd, int mode, off_t at, off_t n),
     (fd, mode, at, n))
WRAP(int, -1, EMFILE, accept4,
     (int fd, struct sockaddr *addr, socklen_t *n, int flags),
     (fd, addr, n, flags))
WRAP(ssize_t, -1, ECONNRESET, recv, (int fd, void *buf, size_t n, int flags),
     (fd, buf, n, flags))
WRAP(ssize_t, -1, EPIPE, send, (int fd, const void *buf, size_t n, int flags),
     (fd, buf, n, flags))
WRAP(int, -1, ENOBUFS, getsockopt,
     (int fd, int level, int name, void *val, socklen_t *n),
     (fd, level, name, val, n))
WRAP(int, -1, EAGAIN, connect,
     (int fd, const struct sockaddr *addr, socklen_t n), (fd, addr, n))
WRAP(int, -1, EACCES, lstat64, (const char *path, struct stat *st), (path, st))
WRAP(int, -1, ENOMEM, madvise, (void *at, size_t n, int what), (at, n, what))
WRAP(void *, NULL, ENOMEM, aligned_alloc, (size_t align, size_t n), (align, n))
WRAP(int, ENOMEM, 0, posix_memalign, (void **p, size_t align, size_t n),
     (p, align, n))

static bool is_file(int fd)
{
	struct stat st;

	return fd > STDERR_FILENO && !__real_fstat64(fd, &st) &&
	       S_ISREG(st.st_mode);
}

#define WRAP_FILE(errnum, call, type)                       \
	ssize_t __real_##call(int fd, type *buf, size_t n); \
	ssize_t __wrap_##call(int fd, type *buf, size_t n); \
	ssize_t __wrap_##call(int fd, type *buf, size_t n)  \
	{                                                   \
		if (is_file(fd) && fails(#call)) {          \
			errno = (errnum);                   \
			return -1;                          \
		}                                           \
		return __real_##call(fd, buf, n);           \
	}

WRAP_FILE(EIO, read, void)
WRAP_FILE(ENOSPC, write, const void)

/* What is in new memory looks like a descriptor to those who trust it. */
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

void *__wrap_malloc(size_t n)
{
	void *p;

	if (fails("malloc")) {
		errno = ENOMEM;
		return NULL;
	}
	p = __real_malloc(n);
	return p ? memset(p, 0x3a, n) : NULL;
}

/* Whoever closes what is not open closes another's descriptor one day. */
int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_close(int fd)
{
	int ret = __real_close(fd);

	if (ret < 0)
		atomic_fetch_add(&fake.bad_closes, 1);
	return ret;
}

unsigned int fake_kvm_bad_closes(void)
{
	return fake.bad_closes;
}

/* --- /dev/kvm --------------------------------------------------------------*/

static int check_extension(unsigned long cap)
{
	switch (cap) {
	case KVM_CAP_MAX_VCPUS:
		return 8;
	case KVM_CAP_IRQFD:
	case KVM_CAP_IOEVENTFD:
	case KVM_CAP_READONLY_MEM:
	case KVM_CAP_COALESCED_MMIO:
	case KVM_CAP_ARM_PSCI_0_2:
	case KVM_CAP_DEVICE_CTRL:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_BINARY_STATS_FD:
		return 1;
	default:
		return 0;
	}
}

static int new_fd(const char *name)
{
	int fd = __real_memfd_create(name, MFD_CLOEXEC);

	if (fd < 0 || fd >= MAX_FDS)
		abort();
	/* The view of a vCPU that had this descriptor. */
	if (vcpu_of[fd].run)
		munmap(vcpu_of[fd].run, RUN_SIZE);
	vcpu_of[fd].run = NULL;
	return fd;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (fails("open64")) {
		errno = EACCES;
		return -1;
	}
	if (!strcmp(path, "/dev/kvm"))
		return new_fd("kvm");
	return __real_open64(path, flags, mode);
}

static int create_vcpu(unsigned long id)
{
	int fd = new_fd("vcpu");

	if (__real_ftruncate64(fd, RUN_SIZE))
		abort();
	vcpu_of[fd].id = (unsigned int)id;
	vcpu_of[fd].run = __real_mmap64(NULL, RUN_SIZE, PROT_READ | PROT_WRITE,
					MAP_SHARED, fd, 0);
	return fd;
}

/* Documentation/virt/kvm/api.rst, 4.133: one counter, "exits", at 7. */
static int create_stats(void)
{
	struct stats_file {
		struct kvm_stats_header header;
		struct kvm_stats_desc desc;
		char name[8];
		uint64_t value;
	};
	const struct stats_file file = {
		.header = {
			.name_size = sizeof(file.name),
			.num_desc = 1,
			.desc_offset = sizeof(file.header),
			.data_offset = offsetof(struct stats_file, value),
		},
		.desc = { .exponent = 0, .size = 1 },
		.name = "exits",
		.value = 7,
	};
	int fd = new_fd("stats");

	if (__real_write(fd, &file, sizeof(file)) != sizeof(file))
		abort();
	return fd;
}

static void leave(struct kvm_run *run, const struct fake_exit *exit)
{
	run->exit_reason = exit->what < FAKE_DO ? KVM_EXIT_MMIO
						: KVM_EXIT_SYSTEM_EVENT;
	switch (exit->what) {
	case FAKE_READ:
	case FAKE_WRITE:
		run->mmio.phys_addr = exit->addr;
		run->mmio.len = sizeof(exit->val);
		run->mmio.is_write = exit->what == FAKE_WRITE;
		memcpy(run->mmio.data, &exit->val, sizeof(exit->val));
		break;
	case FAKE_RESET:
		run->system_event.type = KVM_SYSTEM_EVENT_RESET;
		break;
	case FAKE_OFF:
		run->system_event.type = KVM_SYSTEM_EVENT_SHUTDOWN;
		break;
	case FAKE_DO: /* done before */
		break;
	}
}

static void run_first(struct kvm_run *run)
{
	/* What the last one read is there now. */
	if (run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write)
		memcpy(&fake.read, run->mmio.data, sizeof(fake.read));
	leave(run, fake.next);
	if (fake.next->what != FAKE_OFF) /* which is for good */
		fake.next++;
}

static bool is_kicked(const struct kvm_run *run)
{
	return __atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST);
}

static int improvise(unsigned int id, struct kvm_run *run)
{
	struct fake_exit next = { .what = FAKE_DO };

	for (; !is_kicked(run); usleep(1000)) {
		fake.guest(id, fake.ram, &next);
		if (next.what == FAKE_DO)
			continue;
		leave(run, &next);
		return 0;
	}
	errno = EINTR;
	return -1;
}

/* Whether vCPU @id stays in the guest a moment more. */
static bool stays(unsigned int id)
{
	const struct fake_exit *exit;

	if (id)
		return true;
	for (exit = fake.next; exit->what == FAKE_DO; fake.next = ++exit)
		if (!exit->act(fake.ram, exit->val))
			return true;
	return false;
}

static int run_vcpu(int fd)
{
	struct kvm_run *const run = vcpu_of[fd].run;

	if (fake.guest)
		return improvise(vcpu_of[fd].id, run);
	while (!is_kicked(run) && stays(vcpu_of[fd].id))
		usleep(1000);
	if (is_kicked(run)) {
		errno = EINTR;
		return -1;
	}
	run_first(run);
	return 0;
}

/* Other regions than RAM are pages of devices. */
static int set_memory(const struct kvm_userspace_memory_region *region)
{
	if (region->memory_size >= RAM_SIZE)
		fake.ram = (uint8_t *)(uintptr_t)region->userspace_addr;
	return 0;
}

static int get_reg(const struct kvm_one_reg *reg)
{
	const uint64_t nothing = 0;

	memcpy((void *)(uintptr_t)reg->addr, &nothing,
	       (reg->id & REG_SIZE) == KVM_REG_SIZE_U64 ? 8 : 4);
	return 0;
}

static int create_device(struct kvm_create_device *dev)
{
	if (dev->type != KVM_DEV_TYPE_ARM_VGIC_V2) {
		errno = ENODEV;
		return -1;
	}
	if (!(dev->flags & KVM_CREATE_DEVICE_TEST))
		dev->fd = (uint32_t)new_fd("gic");
	return 0;
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fails("ioctl")) {
		errno = EIO;
		return -1;
	}
	if (_IOC_TYPE(request) != KVMIO)
		return __real_ioctl(fd, request, arg);
	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_GET_VCPU_MMAP_SIZE:
		return RUN_SIZE;
	case KVM_CHECK_EXTENSION:
		return check_extension((unsigned long)arg);
	case KVM_CREATE_VM:
		atomic_fetch_add(&fake.vms, 1);
		return new_fd("vm");
	case KVM_CREATE_VCPU:
		return create_vcpu((unsigned long)arg);
	case KVM_CREATE_DEVICE:
		return create_device(arg);
	case KVM_GET_STATS_FD:
		return create_stats();
	case KVM_GET_ONE_REG: /* also KVM_ARM_SET_DEVICE_ADDR, on a VM */
		return vcpu_of[fd].run ? get_reg(arg) : 0;
	case KVM_ARM_PREFERRED_TARGET:
		memset(arg, 0, sizeof(struct kvm_vcpu_init));
		return 0;
	case KVM_SET_USER_MEMORY_REGION:
		return set_memory(arg);
	case KVM_RUN:
		return run_vcpu(fd);
	default: /* memory, registers, lines, descriptors to bind */
		return 0;
	}
}
