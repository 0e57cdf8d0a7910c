// SPDX-License-Identifier: GPL-2.0-only
#include "sandbox/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/sched.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>

#define ANY          0, 0, 0, 0
#define IS(n, value) n, 0xffffffff, value, 0
#define LACKS(n, b)  n, b, 0, 0
#define HAS(n, b)    n, b, b, 0
#define FAILS(e)     0, 0, 0, e

/* A build machine that is no ARM has no structure to tell the size of. */
#define ARM_IOCTL(nr) _IO(KVMIO, nr)

const unsigned int sandbox_fast_ioctl = KVM_RUN;

const struct sandbox_rule sandbox_rules[] = {
	/* --- what every thread needs: its libc, locks, messages, its end */
	{ "read", IN_ALL, ANY },
	{ "write", IN_ALL, ANY },
	{ "readv", IN_ALL, ANY },
	{ "writev", IN_ALL, ANY },
	{ "close", IN_ALL, ANY },
	{ "futex", IN_ALL, ANY },
	{ "futex_time64", IN_ALL, ANY },
	{ "mmap", IN_ALL, LACKS(2, PROT_EXEC) },
	{ "mmap2", IN_ALL, LACKS(2, PROT_EXEC) },
	{ "mprotect", IN_ALL, LACKS(2, PROT_EXEC) },
	{ "munmap", IN_ALL, ANY },
	{ "mremap", IN_ALL, ANY },
	{ "madvise", IN_ALL, ANY },
	{ "brk", IN_ALL, ANY },
	{ "clock_gettime", IN_ALL, ANY },
	{ "clock_gettime64", IN_ALL, ANY },
	{ "gettimeofday", IN_ALL, ANY },
	{ "clock_nanosleep", IN_ALL, ANY },
	{ "clock_nanosleep_time64", IN_ALL, ANY },
	{ "nanosleep", IN_ALL, ANY },
	{ "poll", IN_ALL, ANY },
	{ "ppoll", IN_ALL, ANY },
	{ "ppoll_time64", IN_ALL, ANY },
	{ "epoll_wait", IN_ALL, ANY },
	{ "epoll_pwait", IN_ALL, ANY },
	{ "epoll_ctl", IN_ALL, ANY },
	{ "rt_sigreturn", IN_ALL, ANY },
	{ "sigreturn", IN_ALL, ANY },
	{ "rt_sigprocmask", IN_ALL, ANY },
	{ "rt_sigaction", IN_ALL, ANY },
	{ "restart_syscall", IN_ALL, ANY },
	{ "exit", IN_ALL, ANY },
	{ "exit_group", IN_ALL, ANY },
	{ "gettid", IN_ALL, ANY },
	{ "getpid", IN_ALL, ANY },
	{ "tgkill", IN_ALL, IS(0, RULE_OWN_PID) },
	{ "sched_yield", IN_ALL, ANY },
	/* A kick taken back, where the host has no immediate_exit. */
	{ "rt_sigtimedwait", IN_VCPU, ANY },
	{ "rt_sigtimedwait_time64", IN_VCPU, ANY },
	{ "set_robust_list", IN_ALL, ANY },
	{ "rseq", IN_ALL, ANY },
	{ "getrandom", IN_ALL, ANY },
	{ "prctl", IN_ALL, IS(0, PR_SET_NAME) },

	/* --- descriptors that are open; a path here tells what is there, not
	 * what is in it */
	{ "lseek", IN_ALL, ANY },
	{ "_llseek", IN_ALL, ANY },
	{ "fstat", IN_ALL, ANY },
	{ "fstat64", IN_ALL, ANY },
	{ "newfstatat", IN_ALL, ANY },
	{ "fstatat64", IN_ALL, ANY },
	{ "statx", IN_ALL, ANY },
	{ "fcntl", IN_ALL, IS(1, F_GETFL) },
	{ "fcntl", IN_ALL, IS(1, F_SETFL) },
	{ "fcntl64", IN_ALL, IS(1, F_GETFL) },
	{ "fcntl64", IN_ALL, IS(1, F_SETFL) },
	{ "eventfd2", IN_ALL, ANY },
	{ "timerfd_settime", IN_ALL, ANY },
	{ "timerfd_settime64", IN_ALL, ANY },

	/* --- consoles and networks on sockets */
	{ "send", IN_ALL, ANY },
	{ "sendto", IN_ALL, ANY },
	{ "sendmsg", IN_ALL, ANY },
	{ "recv", IN_ALL, ANY },
	{ "recvfrom", IN_ALL, ANY },
	{ "recvmsg", IN_ALL, ANY },
	{ "shutdown", IN_ALL, ANY },
	{ "getsockopt", IN_ALL, ANY },

	/* --- disks */
	{ "pread64", IN_ALL, ANY },
	{ "pwrite64", IN_WORKER, ANY },
	{ "preadv", IN_WORKER, ANY },
	{ "pwritev", IN_WORKER, ANY },
	{ "preadv2", IN_WORKER, ANY },
	{ "pwritev2", IN_WORKER, ANY },
	{ "fsync", IN_WORKER, ANY },
	{ "fdatasync", IN_WORKER, ANY },
	{ "fallocate", IN_WORKER, ANY },
	{ "ftruncate", IN_WORKER, ANY },
	{ "ftruncate64", IN_WORKER, ANY },

	/* --- vsock over Unix sockets; passt's end */
	{ "socket", IN_WORKER, IS(0, AF_UNIX) },
	{ "connect", IN_WORKER, ANY },
	{ "accept4", IN_WORKER, ANY },
	{ "setsockopt", IN_WORKER, ANY },
	{ "wait4", IN_WORKER, ANY },

	/* --- the event loop: a reset builds the VM anew, control clients come
	 * and go, files are written and removed at the end */
	{ "open", IN_MAIN, ANY },
	{ "openat", IN_MAIN, ANY },
	{ "stat", IN_MAIN, ANY },
	{ "stat64", IN_MAIN, ANY },
	{ "lstat", IN_MAIN, ANY },
	{ "lstat64", IN_MAIN, ANY },
	{ "statfs", IN_MAIN, ANY },
	{ "statfs64", IN_MAIN, ANY },
	{ "fstatfs", IN_MAIN, ANY },
	{ "fstatfs64", IN_MAIN, ANY },
	{ "access", IN_MAIN, ANY },
	{ "faccessat", IN_MAIN, ANY },
	{ "faccessat2", IN_MAIN, ANY },
	{ "readlink", IN_MAIN, ANY },
	{ "readlinkat", IN_MAIN, ANY },
	{ "getcwd", IN_MAIN, ANY },
	{ "getdents64", IN_MAIN, ANY },
	{ "unlink", IN_MAIN, ANY },
	{ "unlinkat", IN_MAIN, ANY },
	{ "rmdir", IN_MAIN, ANY },
	{ "mkdir", IN_MAIN, ANY },
	{ "mkdirat", IN_MAIN, ANY },
	{ "rename", IN_MAIN, ANY },
	{ "renameat", IN_MAIN, ANY },
	{ "renameat2", IN_MAIN, ANY },
	{ "link", IN_MAIN, ANY },
	{ "linkat", IN_MAIN, ANY },
	{ "symlink", IN_MAIN, ANY },
	{ "symlinkat", IN_MAIN, ANY },
	{ "utimensat", IN_MAIN, ANY },
	{ "utimensat_time64", IN_MAIN, ANY },
	{ "fadvise64", IN_MAIN, ANY },
	{ "arm_fadvise64_64", IN_MAIN, ANY },
	{ "flock", IN_MAIN, ANY },
	{ "fcntl", IN_MAIN, IS(1, F_GETFD) },
	{ "fcntl", IN_MAIN, IS(1, F_SETFD) },
	{ "fcntl", IN_MAIN, IS(1, F_DUPFD_CLOEXEC) },
	{ "fcntl", IN_MAIN, IS(1, F_OFD_GETLK) },
	{ "fcntl", IN_MAIN, IS(1, F_OFD_SETLK) },
	{ "fcntl64", IN_MAIN, IS(1, F_GETFD) },
	{ "fcntl64", IN_MAIN, IS(1, F_SETFD) },
	{ "fcntl64", IN_MAIN, IS(1, F_DUPFD_CLOEXEC) },
	{ "fcntl64", IN_MAIN, IS(1, F_OFD_GETLK) },
	{ "fcntl64", IN_MAIN, IS(1, F_OFD_SETLK) },
	{ "memfd_create", IN_MAIN, ANY },
	{ "timerfd_create", IN_MAIN, ANY },
	{ "epoll_create1", IN_MAIN, ANY },
	{ "signalfd4", IN_MAIN, ANY },
	{ "bind", IN_MAIN, ANY },
	{ "listen", IN_MAIN, ANY },
	{ "getsockname", IN_MAIN, ANY },
	{ "chmod", IN_MAIN, ANY },
	{ "fchmod", IN_MAIN, ANY },
	{ "fchmodat", IN_MAIN, ANY },
	{ "umask", IN_MAIN, ANY },
	{ "getuid", IN_MAIN, ANY },
	{ "getuid32", IN_MAIN, ANY },
	{ "geteuid", IN_MAIN, ANY },
	{ "geteuid32", IN_MAIN, ANY },
	{ "getppid", IN_MAIN, ANY },
	{ "sysinfo", IN_MAIN, ANY },
	{ "uname", IN_MAIN, ANY },
	/* Threads, and no processes.  clone3() hides its flags in memory: libc
	 * falls back to clone(). */
	{ "clone", IN_MAIN, HAS(0, CLONE_THREAD) },
	{ "clone3", IN_MAIN, FAILS(ENOSYS) },
	/* A new thread looks whether it is shut in, and is shut in further. */
	{ "prctl", IN_MAIN, IS(0, PR_GET_NO_NEW_PRIVS) },
	{ "prctl", IN_MAIN, IS(0, PR_SET_SECCOMP) },
	{ "sched_setaffinity", IN_MAIN, ANY },
	{ "sched_getaffinity", IN_MAIN, ANY },
	{ "prlimit64", IN_MAIN, IS(0, 0) },
	{ "getrlimit", IN_MAIN, ANY },
	{ "ugetrlimit", IN_MAIN, ANY },
	/* To end passt and trace-cmd. */
	{ "kill", IN_PARENT, ANY },
	{ 0 },
};

const struct sandbox_ioctl sandbox_ioctls[] = {
	{ KVM_RUN, IN_VCPU },
	/* A terminal is left as it was found, by whichever thread is last. */
	{ TCGETS, IN_ALL },
	{ TCSETS, IN_ALL },
	{ TCSETSW, IN_ALL },
	{ TIOCGWINSZ, IN_ALL },
	/* The guest starts and stops a device: its interrupts and doorbells,
	 * registers in a page, characters in a ring, vhost. */
	{ KVM_IRQ_LINE, IN_ALL },
	{ KVM_IOEVENTFD, IN_ALL },
	{ KVM_REGISTER_COALESCED_MMIO, IN_ALL },
	{ KVM_UNREGISTER_COALESCED_MMIO, IN_ALL },
	{ KVM_SET_USER_MEMORY_REGION, IN_ALL },
	{ KVM_SET_SIGNAL_MASK, IN_VCPU },
	{ ARM_IOCTL(0xab), IN_VCPU }, /* KVM_GET_ONE_REG */
	{ TUNSETOFFLOAD, IN_ALL },
	{ VHOST_SET_FEATURES, IN_ALL },
	{ VHOST_SET_MEM_TABLE, IN_ALL },
	{ VHOST_SET_VRING_NUM, IN_ALL },
	{ VHOST_SET_VRING_ADDR, IN_ALL },
	{ VHOST_SET_VRING_BASE, IN_ALL },
	{ VHOST_GET_VRING_BASE, IN_ALL },
	{ VHOST_SET_VRING_KICK, IN_ALL },
	{ VHOST_SET_VRING_CALL, IN_ALL },
	{ VHOST_SET_VRING_ERR, IN_ALL },
	{ VHOST_NET_SET_BACKEND, IN_ALL },
	{ VHOST_VSOCK_SET_RUNNING, IN_ALL },
	{ BLKDISCARD, IN_WORKER },
	{ BLKZEROOUT, IN_WORKER },
	/* A reset builds the VM anew. */
	{ KVM_GET_API_VERSION, IN_MAIN },
	{ KVM_CHECK_EXTENSION, IN_MAIN },
	{ KVM_GET_VCPU_MMAP_SIZE, IN_MAIN },
	{ KVM_CREATE_VM, IN_MAIN },
	{ KVM_CREATE_VCPU, IN_MAIN },
	{ KVM_CREATE_IRQCHIP, IN_MAIN },
	{ KVM_CREATE_DEVICE, IN_MAIN },
	{ KVM_SET_DEVICE_ATTR, IN_MAIN },
	{ KVM_GET_DEVICE_ATTR, IN_MAIN },
	{ KVM_HAS_DEVICE_ATTR, IN_MAIN },
	{ KVM_IRQFD, IN_MAIN },
	{ ARM_IOCTL(0xac), IN_MAIN }, /* KVM_SET_ONE_REG */
	{ ARM_IOCTL(0xae), IN_MAIN }, /* KVM_ARM_VCPU_INIT */
	{ ARM_IOCTL(0xaf), IN_MAIN }, /* KVM_ARM_PREFERRED_TARGET */
	{ ARM_IOCTL(0xb0), IN_MAIN }, /* KVM_GET_REG_LIST */
	{ KVM_GET_STATS_FD, IN_MAIN },
	{ VHOST_SET_OWNER, IN_MAIN },
	{ VHOST_RESET_OWNER, IN_MAIN },
	{ VHOST_GET_FEATURES, IN_MAIN },
	{ VHOST_VSOCK_SET_GUEST_CID, IN_MAIN },
	{ BLKGETSIZE64, IN_MAIN },
	{ BLKSSZGET, IN_MAIN },
	{ BLKPBSZGET, IN_MAIN },
	{ 0 },
};
