/*
 * platform-openai-c - the smallest useful platform adapter, in plain C11.
 *
 * It is meant to be read from top to bottom beside the headers in sdk/include/patchbay. It needs a C compiler and those
 * headers, nothing else:
 *
 *     gcc -std=c11 -shared -fPIC -fvisibility=hidden -Wl,-z,nodelete -I sdk/include \
 *         Plugins/PlatformOpenAIC/adapter.c -o libplatform-openai-c.so
 *
 * Copy the file into the plugins directory of a running gateway, and within two seconds a site with
 * `platform: platform-openai-c` can use it. manifest.h is written from plugin.json by
 *
 *     patchbay-manifest-gen --module PlatformOpenAIC --output manifest.h plugin.json
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "patchbay/patchbay.h"

#include "manifest.h"

/* ------------------------------------------------------------------------------------- 1. the manifest */

/*
 * The host reads the manifest from this section before it runs any code of the image, and takes NULs at its end for
 * padding. "used" keeps the compiler from dropping what nothing refers to.
 */
__attribute__((section(PB_MANIFEST_SECTION), used)) static const char manifest[] = PLUGIN_MANIFEST;

/* ---------------------------------------------------------------------------------------- 2. small tools */

/* A view of a literal. */
#define TEXT(literal) ((pb_str){(literal), sizeof(literal) - 1})

static int equals(pb_str a, pb_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static int ends_with(pb_str text, pb_str end)
{
    return text.len >= end.len && memcmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

static int contains(pb_str text, pb_str part)
{
    for (uint64_t i = 0; i + part.len <= text.len; i++)
        if (memcmp(text.ptr + i, part.ptr, part.len) == 0)
            return 1;
    return 0;
}

/* Every failure says one sentence. A sink may be missing. */
static pb_status fail(const pb_sink *sink, pb_status code, pb_str sentence)
{
    if (sink)
        sink->write(sink, sentence);
    return code;
}

/* A sink of our own, for what the host writes to us: text that grows on the heap. */
typedef struct text {
    char *bytes;
    size_t count;
    int failed;
} text;

static pb_status text_write(const pb_sink *sink, pb_str bytes)
{
    text *t = sink->ctx;
    char *grown = t->failed ? NULL : realloc(t->bytes, t->count + bytes.len + 1);
    if (!grown) {
        t->failed = 1;
        return PB_E_TOO_LARGE;
    }
    t->bytes = grown;
    if (bytes.len)
        memcpy(t->bytes + t->count, bytes.ptr, bytes.len);
    t->count += bytes.len;
    return PB_OK;
}

/* -------------------------------------------------------------------------------------- 3. the instance */

/* One per configured site. It holds nothing that could not be made again: the host destroys and creates at will. */
typedef struct instance {
    const pb_host *host;
    const pb_http *http;
    const pb_json *json;
} instance;

static pb_status create(const pb_plugin *plugin, const pb_host *host, pb_str config, void **out, const pb_sink *error)
{
    (void)plugin;
    (void)config; /* The schema in the manifest allows no settings, so there is nothing to read. */

    instance *self = calloc(1, sizeof *self);
    if (!self)
        return fail(error, PB_E_INTERNAL, TEXT("There is no memory for an instance."));
    self->host = host;

    /* Services are asked for by id and may be missing. PB_HAS tells whether a table is new enough for a function. */
    self->http = host->get(host, PB_HTTP_ID);
    self->json = host->get(host, PB_JSON_ID);
    if (!PB_HAS(self->http, perform) || !PB_HAS(self->json, write_string)) {
        free(self);
        return fail(error, PB_E_UNSUPPORTED, TEXT("The host must offer patchbay.http/1 and patchbay.json/1."));
    }
    *out = self;
    return PB_OK;
}

static void destroy(void *self)
{
    free(self);
}

/* ------------------------------------------------------------------------------------- 4. the data plane */

enum { URL_SIZE = 4096 };

/* Joins the base URL and a path below /v1, whether or not the base URL has the /v1 already. */
static int join_url(char url[URL_SIZE], pb_str base, const char *path)
{
    const char *version = ends_with(base, TEXT("/v1")) ? "" : "/v1";
    int length = base.len < URL_SIZE ? snprintf(url, URL_SIZE, "%.*s%s%s", (int)base.len, base.ptr, version, path) : -1;
    return length > 0 && length < URL_SIZE ? length : -1;
}

/*
 * Runs on the hot path of every request, on any thread: no waiting, no I/O, no lock. It says where the request goes and
 * how it proves who it is. "${secret:api_key}" stays a placeholder here; the host fills it in.
 */
static pb_status prepare(void *self, const pb_attempt *attempt, const pb_request_builder *request, const pb_sink *error)
{
    (void)self;
    if (!equals(attempt->format, TEXT("openai.chat")))
        return fail(error, PB_E_UNSUPPORTED, TEXT("This adapter speaks openai.chat only."));

    char url[URL_SIZE];
    int length = join_url(url, attempt->base_url, "/chat/completions");
    if (length < 0)
        return fail(error, PB_E_INVALID, TEXT("The base URL is too long."));

    pb_status status = request->set_url(request, (pb_str){url, (uint64_t)length});
    if (status == PB_OK)
        status = request->set_header(request, TEXT("authorization"), TEXT("Bearer ${secret:api_key}"));
    return status;
}

/* "12" -> 12000. Anything else, such as a date, counts as not said. */
static uint64_t retry_after_ms(const pb_outcome *outcome)
{
    pb_str value = outcome->header ? outcome->header(outcome, TEXT("retry-after")) : (pb_str){0};
    uint64_t seconds = 0;
    for (uint64_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9' || seconds > 1000000)
            return 0;
        seconds = seconds * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    return seconds * 1000;
}

static pb_status judge(pb_verdict *verdict, uint32_t fault, uint32_t retry, uint32_t flags)
{
    verdict->fault = fault;
    verdict->retry = retry;
    verdict->flags = flags;
    return PB_OK;
}

/*
 * Says whose fault a failure is, so that only that party rests. What the adapter does not know better than the host it
 * leaves to the host's own table.
 */
static pb_status classify(void *self, const pb_outcome *outcome, pb_verdict *verdict, const pb_sink *reason)
{
    (void)self;
    verdict->retry_after_ms = retry_after_ms(outcome);
    if (contains(outcome->body, TEXT("insufficient_quota"))) {
        fail(reason, PB_OK, TEXT("The account has run out of quota."));
        return judge(verdict, PB_FAULT_QUOTA, PB_RETRY_OTHER_ACCOUNT, 0);
    }
    if (contains(outcome->body, TEXT("model_not_found")))
        return judge(verdict, PB_FAULT_MODEL, PB_RETRY_OTHER_CHANNEL, 0);
    switch (outcome->http_status) {
    case 401:
        return judge(verdict, PB_FAULT_CREDENTIAL, PB_RETRY_OTHER_ACCOUNT, PB_VERDICT_DISABLE_CREDENTIAL);
    case 429:
        return judge(verdict, PB_FAULT_RATE, PB_RETRY_OTHER_ACCOUNT, 0);
    default:
        return PB_E_UNSUPPORTED;
    }
}

/* ---------------------------------------------------------------------------------- 5. the control plane */

/* What the callback of the HTTP service needs. It runs on our stack, inside perform. */
typedef struct listing {
    const instance *self;
    const pb_call *call;
} listing;

/* Ends the call with an error. Exactly one of complete and fail is called for every call. */
static void refuse(const pb_call *call, pb_status code, pb_str message, uint32_t http_status)
{
    pb_error error = {.size = sizeof error, .code = code, .message = message, .http_status = http_status};
    call->fail(call, &error);
}

/* {"data":[{"id":"a"},...]} -> {"complete":true,"models":[{"id":"a"},...]} */
static void answer(const listing *l, void *document, int64_t data)
{
    const pb_json *json = l->self->json;
    text out = {0};
    pb_sink sink = {&out, text_write};
    const char *separator = "";

    text_write(&sink, TEXT("{\"complete\":true,\"models\":["));
    for (int64_t item = json->first(document, data); item >= 0; item = json->next(document, item)) {
        pb_str id = json->text(document, json->at(document, item, TEXT("/id")));
        if (!id.len)
            continue;
        text_write(&sink, (pb_str){separator, strlen(separator)});
        text_write(&sink, TEXT("{\"id\":"));
        json->write_string(l->self->host, id, &sink);
        text_write(&sink, TEXT("}"));
        separator = ",";
    }
    text_write(&sink, TEXT("]}"));

    if (out.failed)
        refuse(l->call, PB_E_TOO_LARGE, TEXT("The model list is too large."), 0);
    else
        l->call->complete(l->call, (pb_str){out.bytes, out.count});
    free(out.bytes);
}

/* The answer is valid until this function returns. */
static void received(void *user, const pb_http_response *response)
{
    const listing *l = user;
    const pb_json *json = l->self->json;
    void *document = NULL;

    if (response->error_code != PB_OK) {
        refuse(l->call, response->error_code, response->error_message, 0);
    } else if (response->status == 401 || response->status == 403) {
        refuse(l->call, PB_E_AUTH, TEXT("The site rejects the API key."), response->status);
    } else if (response->status != 200) {
        refuse(l->call, PB_E_UNAVAILABLE, TEXT("The site does not list its models."), response->status);
    } else if (json->parse(l->self->host, response->body, &document, NULL) != PB_OK
               || json->kind(document, json->at(document, 0, TEXT("/data"))) != PB_JSON_ARRAY) {
        refuse(l->call, PB_E_PROTOCOL, TEXT("The model list must be JSON with the array data."), response->status);
    } else {
        answer(l, document, json->at(document, 0, TEXT("/data")));
    }
    json->release(document);
}

/*
 * The manifest gives "models" the mode "blocking", so this runs on a thread that may wait. The host puts the site's
 * base_url into the arguments of every operation.
 */
static pb_status invoke(void *instance_pointer, pb_str operation, pb_str arguments, const pb_call *call)
{
    const instance *self = instance_pointer;
    if (!equals(operation, TEXT("models")))
        return PB_E_UNSUPPORTED;

    void *document = NULL;
    if (self->json->parse(self->host, arguments, &document, NULL) != PB_OK)
        return PB_E_INVALID;
    char url[URL_SIZE];
    int length = join_url(url, self->json->text(document, self->json->at(document, 0, TEXT("/base_url"))), "/models");
    self->json->release(document);
    if (length < 0)
        return PB_E_INVALID;

    pb_field header = {TEXT("authorization"), TEXT("Bearer ${secret:api_key}")};
    pb_http_request request = {
        .size = sizeof request,
        .method = TEXT("GET"),
        .url = {url, (uint64_t)length},
        .headers = &header,
        .header_count = 1,
    };
    listing l = {self, call};
    /* `received` runs exactly once before perform returns and ends the call, whatever happened. */
    self->http->perform(self->host, call, &request, received, &l);
    return PB_OK;
}

/* ------------------------------------------------------------------------ 6. tables and the entry function */

static const pb_upstream upstream = {
    .size = sizeof upstream, .prepare = prepare, .classify = classify, .flags = PB_UPSTREAM_IGNORES_SIZE};
static const pb_control control = {.size = sizeof control, .invoke = invoke};

static const void *get(const pb_plugin *plugin, const char *interface_id)
{
    (void)plugin;
    if (strcmp(interface_id, PB_UPSTREAM_ID) == 0)
        return &upstream;
    if (strcmp(interface_id, PB_CONTROL_ID) == 0)
        return &control;
    return NULL;
}

static const pb_plugin plugin = {
    .size = sizeof plugin,
    .id = {PLUGIN_ID, sizeof(PLUGIN_ID) - 1},
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
    .needs_minor = 0,
    .plugin_count = 1,
    .manifest_json = {manifest, sizeof manifest - 1},
    .toolchain = {"C " __VERSION__, sizeof("C " __VERSION__) - 1},
    .plugins = plugins,
};

/* The one symbol that the image exports. What follows "patchbay_entry_v1" is free. */
PB_EXPORT const pb_module *patchbay_entry_v1__platform_openai_c(const pb_host *host);

const pb_module *patchbay_entry_v1__platform_openai_c(const pb_host *host)
{
    (void)host;
    return &module;
}
