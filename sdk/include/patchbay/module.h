/*
 * patchbay/module.h - what an image exports and how the host makes instances.
 *
 * An image (a shared library, ELF, 64-bit little-endian) exports exactly one global symbol whose name
 * begins with "patchbay_entry_v1". Anything may follow, as in patchbay_entry_v1__platform_example, so
 * that several plugins can be linked into one test program. The image carries its manifest (UTF-8 JSON)
 * in a section named ".patchbay.manifest" as well, so that it can be read without running code. NUL bytes at
 * the end of the section are padding.
 *
 * Order of calls: the entry function once; for each instance create, then get for the interfaces, then
 * their functions; destroy when no function of the instance runs and no call is pending. Instances are
 * created and destroyed many times, several of one plugin exist at once, and two versions of an image
 * may be loaded side by side. The image is never unmapped.
 */
#ifndef PATCHBAY_MODULE_H
#define PATCHBAY_MODULE_H

#include "patchbay/host.h"

#ifdef __cplusplus
extern "C" {
#endif

/** "PBM1" read as a little-endian number. */
#define PB_MODULE_MAGIC 0x314d4250u

/** Prefix of the exported entry function. */
#define PB_ENTRY_PREFIX "patchbay_entry_v1"

/** Section that holds the manifest. */
#define PB_MANIFEST_SECTION ".patchbay.manifest"

/**
 * One plugin of an image. Static storage.
 *
 * id      as in the manifest: lower-case letters, digits and hyphens, at most 64 bytes.
 *
 * create [load]: makes an instance from its configuration, a JSON object that the host has checked
 *        against the manifest's schema and completed with defaults. Does no I/O and starts no thread.
 *        On success stores the instance and returns PB_OK. On failure returns PB_E_INVALID (or another
 *        code), writes a sentence that names the field and the rule to `error`, and leaves nothing
 *        behind. `host` stays valid until destroy returns.
 *
 * destroy [load]: frees an instance. Called once, when nothing of it is in use. Never fails.
 *
 * get [any]: the interface for an id such as PB_CONTROL_ID, or NULL. The table has static storage and
 *        begins with `size`. The answer does not change during the life of the image.
 */
typedef struct pb_plugin {
    uint32_t size;
    uint32_t flags;
    pb_str id;
    pb_status (*create)(const struct pb_plugin *plugin, const pb_host *host, pb_str config_json, void **instance,
                        const pb_sink *error);
    void (*destroy)(void *instance);
    const void *(*get)(const struct pb_plugin *plugin, const char *interface_id);
} pb_plugin;

/**
 * What the entry function returns. Static storage.
 *
 * abi_major, abi_minor  of the header the image was compiled with.
 * needs_minor           the lowest minor version of a host that it can work with.
 * manifest_json         the same bytes as in the section.
 * toolchain             free text that identifies the compiler, for messages ("Swift 6.3.1", "gcc 12.2").
 */
typedef struct pb_module {
    uint32_t magic;
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint16_t needs_minor;
    uint16_t reserved;
    uint32_t plugin_count;
    uint32_t flags;
    pb_str manifest_json;
    pb_str toolchain;
    const pb_plugin *const *plugins;
} pb_module;

/**
 * The entry function [load]. Called once per image, before anything else; must have no side effects.
 * `host` is valid during the call only. Returns NULL to refuse.
 */
typedef const pb_module *(*pb_entry_fn)(const pb_host *host);

#ifdef __cplusplus
}
#endif
#endif
