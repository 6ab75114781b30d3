/*
 * A platform adapter in one file. Build it with a C compiler and the headers, nothing else:
 *
 *     gcc -std=c11 -shared -fPIC -fvisibility=hidden -Wl,-z,nodelete -I ../../include example.c -o
 * libplatform-example-c.so
 *
 * and copy the file into the plugins directory of a running gateway. Plugins/PlatformOpenAIC/adapter.c shows the rest:
 * judging failures, operations, and the services of the host.
 */
#include <string.h>

#include "patchbay/patchbay.h"

#define MANIFEST \
    "{\"id\":\"platform-example-c\",\"version\":\"0.1.0\",\"name\":\"Example in C\",\"kinds\":[\"platform\"]," \
    "\"speaks\":[\"openai.chat\"],\"credentials\":[{\"kind\":\"api_key\",\"secrets\":[\"api_key\"],\"fields\":[]}]}"

#define TEXT(literal) ((pb_str){(literal), sizeof(literal) - 1})

/* The host reads the manifest here, before it runs any code of the image. */
__attribute__((section(PB_MANIFEST_SECTION), used)) static const char manifest[] = MANIFEST;

/* An instance keeps nothing, so any address will do. */
static pb_status create(const pb_plugin *plugin, const pb_host *host, pb_str config, void **instance, const pb_sink *error)
{
    (void)host;
    (void)config;
    (void)error;
    *instance = (void *)plugin;
    return PB_OK;
}

static void destroy(void *instance)
{
    (void)instance;
}

/* Where the request goes, and how it proves who it is. The host fills in the secret. */
static pb_status prepare(void *instance, const pb_attempt *attempt, const pb_request_builder *request, const pb_sink *error)
{
    static const char path[] = "/v1/chat/completions";
    char url[2048];
    uint64_t length = attempt->base_url.len + sizeof path - 1;

    (void)instance;
    if (length > sizeof url) {
        error->write(error, TEXT("The base URL is too long."));
        return PB_E_INVALID;
    }
    memcpy(url, attempt->base_url.ptr, attempt->base_url.len);
    memcpy(url + attempt->base_url.len, path, sizeof path - 1);

    pb_status status = request->set_url(request, (pb_str){url, length});
    return status ? status : request->set_header(request, TEXT("authorization"), TEXT("Bearer ${secret:api_key}"));
}

/* Without classify the host judges failures by its own table. */
static const pb_upstream upstream = {.size = sizeof upstream, .prepare = prepare};

static const void *get(const pb_plugin *plugin, const char *interface_id)
{
    (void)plugin;
    return strcmp(interface_id, PB_UPSTREAM_ID) == 0 ? &upstream : NULL;
}

static const pb_plugin plugin = {
    .size = sizeof plugin,
    .id = {"platform-example-c", sizeof "platform-example-c" - 1},
    .create = create,
    .destroy = destroy,
    .get = get,
};

static const pb_plugin *const plugins[] = {&plugin};

static const pb_module module = {
    .magic = PB_MODULE_MAGIC,
    .size = sizeof module,
    .abi_major = PB_ABI_MAJOR,
    .abi_minor = PB_ABI_MINOR,
    .plugin_count = 1,
    .manifest_json = {manifest, sizeof manifest - 1},
    .toolchain = {"C " __VERSION__, sizeof "C " __VERSION__ - 1},
    .plugins = plugins,
};

PB_EXPORT const pb_module *patchbay_entry_v1__platform_example_c(const pb_host *host);

const pb_module *patchbay_entry_v1__platform_example_c(const pb_host *host)
{
    (void)host;
    return &module;
}
