// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libvirt/ask.h"

#define VCPUS_MAX 512

/* The functions that are used, with the types of libvirt's own header. */
#define FUNCTIONS(f)                    \
	f(virInitialize);               \
	f(virSetErrorFunc);             \
	f(virGetLastErrorMessage);      \
	f(virConnectOpenReadOnly);      \
	f(virConnectClose);             \
	f(virDomainLookupByName);       \
	f(virDomainLookupByUUIDString); \
	f(virDomainLookupByID);         \
	f(virDomainGetName);            \
	f(virDomainGetUUIDString);      \
	f(virDomainGetState);           \
	f(virDomainGetVcpus);           \
	f(virDomainFree)

#define DECLARE(name) __typeof__(&name) name##_fn

struct api {
	void *handle;
	FUNCTIONS(DECLARE);
};

/* A function's address through void *, as POSIX's dlsym() has it. */
static bool find(void *handle, const char *name, void *to)
{
	void *address = dlsym(handle, name);

	memcpy(to, &address, sizeof(address));
	return address;
}

static int load(struct api *api, const char *library, struct error *err)
{
	const char *missing = NULL;

	api->handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!api->handle)
		return error_set(err, TL_HOST, ENOENT,
				 "libvirt is not installed: %s", dlerror());
#define FIND(name)                                              \
	do {                                                    \
		if (!find(api->handle, #name, &api->name##_fn)) \
			missing = #name;                        \
	} while (0)
	FUNCTIONS(FIND);
#undef FIND
	if (!missing)
		return 0;
	dlclose(api->handle);
	return error_set(err, TL_HOST, ENOSYS, "%s has no %s", library,
			 missing);
}

/* libvirt would print it. */
static void ignore_error(void *opaque, virErrorPtr error)
{
	(void)opaque;
	(void)error;
}

static bool is_number(const char *text)
{
	const size_t len = strlen(text);
	size_t i;

	for (i = 0; i < len; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	return len > 0 && len < 10;
}

static virDomainPtr look_up(const struct api *api, virConnectPtr connection,
			    const char *name)
{
	virDomainPtr domain;

	domain = api->virDomainLookupByName_fn(connection, name);
	if (!domain && strlen(name) + 1 >= VIR_UUID_STRING_BUFLEN)
		domain = api->virDomainLookupByUUIDString_fn(connection, name);
	if (!domain && is_number(name))
		domain = api->virDomainLookupByID_fn(
			connection, (int)strtol(name, NULL, 10));
	return domain;
}

static const char *state_name(int state)
{
	static const char *const name[] = {
		[VIR_DOMAIN_NOSTATE] = "unknown",
		[VIR_DOMAIN_RUNNING] = "running",
		[VIR_DOMAIN_BLOCKED] = "blocked",
		[VIR_DOMAIN_PAUSED] = "paused",
		[VIR_DOMAIN_SHUTDOWN] = "shutting down",
		[VIR_DOMAIN_SHUTOFF] = "shut off",
		[VIR_DOMAIN_CRASHED] = "crashed",
		[VIR_DOMAIN_PMSUSPENDED] = "suspended",
	};

	if (state < 0 || state >= (int)(sizeof(name) / sizeof(name[0])))
		return name[VIR_DOMAIN_NOSTATE];
	return name[state];
}

static void print_vcpus(const struct api *api, virDomainPtr domain, FILE *out)
{
	virVcpuInfoPtr info = calloc(VCPUS_MAX, sizeof(*info));
	int i, nr;

	if (!info)
		return;
	/* -1 for one that does not run */
	nr = api->virDomainGetVcpus_fn(domain, info, VCPUS_MAX, NULL, 0);
	for (i = 0; i < nr; i++)
		fprintf(out, "vcpu %u %s %d\n", info[i].number,
			info[i].state == VIR_VCPU_RUNNING   ? "running"
			: info[i].state == VIR_VCPU_BLOCKED ? "blocked"
							    : "offline",
			info[i].cpu);
	free(info);
}

static int print_domain(const struct api *api, virDomainPtr domain,
			const char *uri, FILE *out, struct error *err)
{
	const char *name = api->virDomainGetName_fn(domain);
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	int state = VIR_DOMAIN_NOSTATE;

	if (!name || strchr(name, '\n'))
		return error_set(err, TL_NAME, EINVAL,
				 "libvirt gives the domain no usable name");
	api->virDomainGetUUIDString_fn(domain, uuid);
	api->virDomainGetState_fn(domain, &state, NULL, 0);
	fprintf(out, "name %s\nuuid %s\nuri %s\nstate %s\n", name, uuid, uri,
		state_name(state));
	print_vcpus(api, domain, out);
	return 0;
}

/* 1: not here. */
static int ask_one(const struct api *api, const char *uri, const char *name,
		   FILE *out, struct error *err)
{
	virConnectPtr connection = api->virConnectOpenReadOnly_fn(uri);
	virDomainPtr domain;
	int ret = 1;

	if (!connection) {
		error_set(err, TL_HOST, ENOTCONN, "libvirt, %s: %s", uri,
			  api->virGetLastErrorMessage_fn());
		return -ENOTCONN;
	}
	domain = look_up(api, connection, name);
	if (domain) {
		ret = print_domain(api, domain, uri, out, err);
		api->virDomainFree_fn(domain);
	}
	api->virConnectClose_fn(connection);
	return ret;
}

static int ask(const struct api *api, const char *name, FILE *out,
	       struct error *err)
{
	const char *own = getenv("LIBVIRT_DEFAULT_URI");
	const char *uris[] = { "qemu:///system", "qemu:///session", NULL };
	bool any = false;
	size_t i;

	if (own && *own) {
		uris[0] = own;
		uris[1] = NULL;
	}
	for (i = 0; uris[i]; i++) {
		struct error why = { 0 };
		int ret = ask_one(api, uris[i], name, out, &why);

		if (!ret)
			return 0;
		if (ret > 0)
			any = true;
		else if (why.status == TL_NAME || !uris[i + 1])
			*err = why;
	}
	if (!any)
		return -ENOTCONN;
	*err = (struct error){ 0 };
	return error_set(err, TL_NAME, ENOENT, "libvirt has no domain '%.100s'",
			 name);
}

int libvirt_ask(const char *library, const char *domain, FILE *out,
		struct error *err)
{
	struct api api = { 0 };
	int ret;

	ret = load(&api, library, err);
	if (ret)
		return ret;
	if (api.virInitialize_fn() < 0) {
		ret = error_set(err, TL_HOST, ENOSYS,
				"libvirt cannot be initialized");
	} else {
		api.virSetErrorFunc_fn(NULL, ignore_error);
		ret = ask(&api, domain, out, err);
	}
	dlclose(api.handle);
	return ret;
}
