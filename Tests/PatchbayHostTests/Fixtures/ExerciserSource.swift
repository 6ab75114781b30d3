/// A plugin in plain C that does every thing a plugin may and may not do; compiled by the tests with gcc.
///
/// Macros: MANIFEST (a string literal), and where a test wants something else: PLUGIN_ID, ENTRY, MAGIC, ABI_MAJOR,
/// NEEDS_MINOR, MODULE_SIZE, OTHER_MANIFEST, NO_SECTION, SECOND_ENTRY, VERSION_TAG.
let exerciserSource = #"""
    #include <semaphore.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include "patchbay/patchbay.h"

    #ifndef PLUGIN_ID
    #define PLUGIN_ID "exerciser"
    #endif
    #ifndef ENTRY
    #define ENTRY patchbay_entry_v1__exerciser
    #endif
    #ifndef MAGIC
    #define MAGIC PB_MODULE_MAGIC
    #endif
    #ifndef ABI_MAJOR
    #define ABI_MAJOR PB_ABI_MAJOR
    #endif
    #ifndef NEEDS_MINOR
    #define NEEDS_MINOR 0
    #endif
    #ifndef MODULE_SIZE
    #define MODULE_SIZE sizeof(pb_module)
    #endif
    #ifndef VERSION_TAG
    #define VERSION_TAG "one"
    #endif

    #define LIT(text) ((pb_str){text, sizeof(text) - 1})
    #ifndef NO_SECTION
    __attribute__((section(PB_MANIFEST_SECTION), used))
    #endif
    static const char manifest[] = MANIFEST;

    struct instance { const pb_host *host; char config[512]; };
    struct buffer { char bytes[65536]; size_t count; };

    static pb_status append(const pb_sink *sink, pb_str text) {
        struct buffer *buffer = sink->ctx;
        if (text.len > sizeof buffer->bytes - buffer->count) return PB_E_TOO_LARGE;
        if (text.len) memcpy(buffer->bytes + buffer->count, text.ptr, text.len);
        buffer->count += text.len;
        return PB_OK;
    }
    static void put(struct buffer *buffer, const char *text) {
        pb_sink sink = {buffer, append};
        append(&sink, (pb_str){text, strlen(text)});
    }
    static pb_str view(const struct buffer *buffer) { return (pb_str){buffer->bytes, buffer->count}; }
    static int is(pb_str text, const char *other) {
        return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
    }
    static void say(const pb_sink *sink, const char *text) { sink->write(sink, (pb_str){text, strlen(text)}); }
    static void quote(const struct instance *self, struct buffer *buffer, pb_str text) {
        const pb_json *json = self->host->get(self->host, PB_JSON_ID);
        pb_sink sink = {buffer, append};
        json->write_string(self->host, text, &sink);
    }

    /* ---------------------------------------------------------------- life */

    static pb_status create(const pb_plugin *plugin, const pb_host *host, pb_str config, void **instance,
                            const pb_sink *error) {
        (void)plugin;
        if (config.len >= 512) { say(error, "The field config is too long."); return PB_E_INVALID; }
        struct instance *self = calloc(1, sizeof *self);
        self->host = host;
        memcpy(self->config, config.ptr, config.len);
        if (strstr(self->config, "\"bad\"")) {
            free(self);
            say(error, "The field name must not be bad.");
            return PB_E_INVALID;
        }
        const pb_log *log = host->get(host, PB_LOG_ID);
        pb_field field = {LIT("reason"), LIT("test")};
        if (log) log->write(host, PB_LOG_DEBUG, LIT("instance created"), &field, 1);
        *instance = self;
        return PB_OK;
    }
    static void destroy(void *instance) {
        struct instance *self = instance;
        char *mark = strstr(self->config, "\"mark\":\"");
        if (mark) {
            mark += 8;
            *strchr(mark, '"') = 0;
            FILE *file = fopen(mark, "w");
            if (file) fclose(file);
        }
        free(self);
    }

    /* ------------------------------------------------------------- control */

    static sem_t gate;
    static int releases;

    struct later { const pb_call *call; const struct instance *self; };

    static void finish_later(void *user) {
        struct later *later = user;
        later->call->complete(later->call, LIT("{\"later\":true}"));
        free(later);
    }
    static void give_up(void *user) {
        struct later *later = user;
        pb_error error = {sizeof error, PB_E_CANCELLED, LIT("gave up"), 0, 0, 0, {NULL, 0}};
        later->call->fail(later->call, &error);
    }
    static void count_release(void *user) { releases++; free(user); }

    static void answer_http(void *user, const pb_http_response *response) {
        struct later *later = user;
        static __thread struct buffer buffer;
        char number[64];
        buffer.count = 0;
        snprintf(number, sizeof number, "{\"error\":%d,\"status\":%u,\"body\":", response->error_code, response->status);
        put(&buffer, number);
        quote(later->self, &buffer, response->body);
        put(&buffer, ",\"message\":");
        quote(later->self, &buffer, response->error_message);
        put(&buffer, ",\"url\":");
        quote(later->self, &buffer, response->final_url);
        put(&buffer, ",\"headers\":{\"x\":0");
        for (uint32_t i = 0; i < response->header_count; i++) {
            put(&buffer, ",");
            quote(later->self, &buffer, response->headers[i].name);
            put(&buffer, ":");
            quote(later->self, &buffer, response->headers[i].value);
        }
        put(&buffer, "}}");
        later->call->complete(later->call, view(&buffer));
        free(later);
    }

    static pb_status http(struct instance *self, pb_str arguments, const pb_call *call, int asynchronous) {
        const pb_json *json = self->host->get(self->host, PB_JSON_ID);
        const pb_http *service = self->host->get(self->host, PB_HTTP_ID);
        void *document;
        if (json->parse(self->host, arguments, &document, NULL) != PB_OK) return PB_E_INVALID;
        pb_field headers[2] = {{LIT("x-test"), json->text(document, json->at(document, 0, LIT("/header")))},
                               {LIT("x-plain"), LIT("plain")}};
        pb_http_request request = {0};
        request.size = sizeof request;
        request.method = json->text(document, json->at(document, 0, LIT("/method")));
        request.url = json->text(document, json->at(document, 0, LIT("/url")));
        request.body = json->text(document, json->at(document, 0, LIT("/body")));
        request.flags = (uint32_t)json->number(document, json->at(document, 0, LIT("/flags")), 0);
        request.max_body_bytes = (uint64_t)json->number(document, json->at(document, 0, LIT("/max")), 0);
        request.headers = headers;
        request.header_count = headers[0].value.ptr ? 2 : 0;
        struct later *later = malloc(sizeof *later);
        later->call = call;
        later->self = self;
        pb_status status;
        if (asynchronous) {
            status = service->send(self->host, call, &request, answer_http, later);
            if (status < 0) free(later);
        } else {
            service->perform(self->host, call, &request, answer_http, later);
            status = PB_OK;
        }
        json->release(document);
        return status;
    }

    static pb_status kv(struct instance *self, const pb_call *call) {
        const pb_kv *service = self->host->get(self->host, PB_KV_ID);
        struct buffer buffer = {.count = 0};
        pb_sink sink = {&buffer, append};
        uint64_t revision = 0;
        char text[512];
        int first = service->put(self->host, call, PB_KV_ACCOUNT, LIT("key"), LIT("\"value\""), 0, 0);
        int again = service->put(self->host, call, PB_KV_ACCOUNT, LIT("key"), LIT("x"), 0, 0);
        int site = service->put(self->host, NULL, PB_KV_SITE, LIT("key"), LIT("s"), 0, PB_UNKNOWN);
        int got = service->get(self->host, call, PB_KV_ACCOUNT, LIT("key"), &sink, &revision);
        int swapped = service->put(self->host, call, PB_KV_ACCOUNT, LIT("key"), LIT("y"), 0, revision);
        int removed = service->remove(self->host, call, PB_KV_ACCOUNT, LIT("key"));
        int gone = service->get(self->host, call, PB_KV_ACCOUNT, LIT("key"), &sink, NULL);
        int orphan = service->get(self->host, NULL, PB_KV_ACCOUNT, LIT("key"), &sink, NULL);
        snprintf(text, sizeof text, "{\"value\":%.*s,\"codes\":[%d,%d,%d,%d,%d,%d,%d,%d]}", (int)buffer.count,
                 buffer.bytes, first, again, site, got, swapped, removed, gone, orphan);
        call->complete(call, (pb_str){text, strlen(text)});
        return PB_OK;
    }

    static pb_status walk(struct instance *self, pb_str arguments, const pb_call *call) {
        const pb_json *json = self->host->get(self->host, PB_JSON_ID);
        struct buffer buffer = {.count = 0};
        void *document;
        if (json->parse(self->host, arguments, &document, NULL) != PB_OK) return PB_E_INVALID;
        put(&buffer, "[");
        int64_t list = json->at(document, 0, LIT("/list"));
        for (int64_t node = json->first(document, list); node >= 0; node = json->next(document, node)) {
            char text[64];
            snprintf(text, sizeof text, "%s%u", buffer.count > 1 ? "," : "", json->kind(document, node));
            put(&buffer, text);
        }
        int64_t object = json->at(document, 0, LIT("/object"));
        for (int64_t node = json->first(document, object); node >= 0; node = json->next(document, node)) {
            put(&buffer, ",");
            quote(self, &buffer, json->name(document, node));
            put(&buffer, ",");
            pb_str raw = json->raw(document, node);
            pb_sink sink = {&buffer, append};
            append(&sink, raw);
        }
        char text[64];
        snprintf(text, sizeof text, ",%d,%d]", (int)json->count(document, list), (int)json->count(document, object));
        put(&buffer, text);
        json->release(document);
        call->complete(call, view(&buffer));
        return PB_OK;
    }

    static pb_status reveal(struct instance *self, const pb_call *call) {
        const pb_secrets *service = self->host->get(self->host, PB_SECRETS_ID);
        struct buffer secret = {.count = 0}, result = {.count = 0};
        pb_sink sink = {&secret, append};
        char text[64];
        int status = service->reveal(self->host, call, LIT("api_key"), &sink);
        snprintf(text, sizeof text, "[%d,%d,", service->exists(self->host, call, LIT("api_key")), status);
        put(&result, text);
        quote(self, &result, view(&secret));
        put(&result, "]");
        call->complete(call, view(&result));
        return PB_OK;
    }

    static pb_status invoke(void *instance, pb_str operation, pb_str arguments, const pb_call *call) {
        struct instance *self = instance;
        if (is(operation, "echo")) { call->complete(call, arguments); return PB_OK; }
        if (is(operation, "config")) { call->complete(call, (pb_str){self->config, strlen(self->config)}); return PB_OK; }
        if (is(operation, "tag")) { call->complete(call, LIT("\"" VERSION_TAG "\"")); return PB_OK; }
        if (is(operation, "fail")) {
            pb_error error = {sizeof error, PB_E_RATE_LIMITED, LIT("Slow down."), 1500, 429, 0, LIT("{\"a\":1}")};
            call->fail(call, &error);
            return PB_OK;
        }
        if (is(operation, "refuse")) return PB_E_CONFLICT;
        if (is(operation, "silent")) return PB_OK;
        if (is(operation, "garbage")) { call->complete(call, LIT("not json")); return PB_OK; }
        if (is(operation, "double")) {
            call->complete(call, LIT("1"));
            call->complete(call, LIT("2"));
            return PB_OK;
        }
        if (is(operation, "flags")) {
            call->complete(call, call->flags & PB_CALL_MAY_BLOCK ? LIT("true") : LIT("false"));
            return PB_OK;
        }
        if (is(operation, "block")) {
            while (sem_wait(&gate)) {}
            call->complete(call, LIT("\"unblocked\""));
            return PB_OK;
        }
        if (is(operation, "open")) { sem_post(&gate); call->complete(call, LIT("null")); return PB_OK; }
        if (is(operation, "releases")) {
            char text[16];
            snprintf(text, sizeof text, "%d", releases);
            call->complete(call, (pb_str){text, strlen(text)});
            return PB_OK;
        }
        struct later *later = malloc(sizeof *later);
        later->call = call;
        later->self = self;
        if (is(operation, "hang")) {
            if (call->on_cancel(call, give_up, later, count_release) != PB_OK) abort();
            if (call->on_cancel(call, give_up, later, count_release) != PB_E_CONFLICT) abort();
            return PB_PENDING;
        }
        if (is(operation, "later")) {
            const pb_clock *clock = self->host->get(self->host, PB_CLOCK_ID);
            clock->after(self->host, call, 5, finish_later, later);
            return PB_PENDING;
        }
        free(later);
        if (is(operation, "perform")) return http(self, arguments, call, 0);
        if (is(operation, "send")) return http(self, arguments, call, 1);
        if (is(operation, "kv")) return kv(self, call);
        if (is(operation, "walk")) return walk(self, arguments, call);
        if (is(operation, "reveal")) return reveal(self, call);
        return PB_E_UNSUPPORTED;
    }
    static const pb_control control = {sizeof control, 0, invoke};

    /* ------------------------------------------------------------ upstream */

    static pb_status prepare(void *instance, const pb_attempt *attempt, const pb_request_builder *builder,
                             const pb_sink *error) {
        (void)instance;
        if (is(attempt->upstream_model, "none")) { say(error, "The model none is not served."); return PB_E_UNSUPPORTED; }
        char url[512];
        const char *path = is(attempt->upstream_model, "abroad") ? "http://elsewhere.example" : "";
        if (path[0])
            snprintf(url, sizeof url, "%s/x", path);
        else
            snprintf(url, sizeof url, "%.*s/v1/chat/completions", (int)attempt->base_url.len, attempt->base_url.ptr);
        if (!is(attempt->upstream_model, "nowhere")) builder->set_url(builder, (pb_str){url, strlen(url)});
        builder->set_header(builder, LIT("Authorization"), LIT("Bearer ${secret:api_key}"));
        pb_str beta = attempt->header(attempt, LIT("x-beta"));
        if (beta.ptr) builder->set_header(builder, LIT("X-Beta"), beta);
        builder->set_header(builder, LIT("x-beta"), LIT("second"));
        builder->set_header(builder, LIT("Cookie"), (pb_str){NULL, 0});
        if (builder->set_header(builder, LIT("bad name"), LIT("x")) != PB_E_INVALID) abort();
        if (builder->set_header(builder, LIT("name"), LIT("a\r\nb")) != PB_E_INVALID) abort();
        if (builder->set_url(builder, LIT("http://with space")) != PB_E_INVALID) abort();
        if (attempt->flags & PB_ATTEMPT_STREAM)
            builder->patch(builder, LIT("/stream_options/include_usage"), LIT("true"));
        builder->patch(builder, LIT("/user"), (pb_str){NULL, 0});
        return PB_OK;
    }
    static pb_status classify(void *instance, const pb_outcome *outcome, pb_verdict *verdict, const pb_sink *reason) {
        (void)instance;
        if (outcome->http_status == 418) return PB_E_UNSUPPORTED;
        verdict->fault = outcome->transport ? PB_FAULT_NETWORK : PB_FAULT_RATE;
        verdict->retry = PB_RETRY_OTHER_ACCOUNT;
        pb_str after = outcome->header(outcome, LIT("retry-after"));
        verdict->retry_after_ms = after.ptr ? (uint64_t)(after.ptr[0] - '0') * 1000 : 0;
        verdict->cooldown_ms = outcome->body.len;
        verdict->flags = PB_VERDICT_LOGIN_AGAIN;
        say(reason, "Too many requests.");
        return PB_OK;
    }
    #ifndef UPSTREAM_SIZE
    #define UPSTREAM_SIZE sizeof(pb_upstream)
    #endif
    #ifndef UPSTREAM_FLAGS
    #define UPSTREAM_FLAGS 0
    #endif
    static const pb_upstream upstream = {UPSTREAM_SIZE, 0, prepare, classify, UPSTREAM_FLAGS};

    /* -------------------------------------------------------------- module */

    extern const pb_codec exerciser_codec;
    static const void *get(const pb_plugin *plugin, const char *id) {
        (void)plugin;
        if (!strcmp(id, PB_CONTROL_ID)) return &control;
        if (!strcmp(id, PB_UPSTREAM_ID)) return &upstream;
    #ifdef WITH_CODEC
        if (!strcmp(id, PB_CODEC_ID)) return &exerciser_codec;
    #endif
        return NULL;
    }
    static const pb_plugin plugin = {sizeof plugin, 0, {PLUGIN_ID, sizeof PLUGIN_ID - 1}, create, destroy, get};
    static const pb_plugin *const plugins[] = {&plugin};
    #ifdef OTHER_MANIFEST
    static const char returned[] = OTHER_MANIFEST;
    #else
    #define returned manifest
    #endif
    static const pb_module module = {
        MAGIC, MODULE_SIZE, ABI_MAJOR, 0, NEEDS_MINOR, 0, 1, 0, {returned, sizeof returned - 1},
        {"gcc of the tests", 16}, plugins,
    };
    PB_EXPORT const pb_module *ENTRY(const pb_host *host) {
        (void)host;
        sem_init(&gate, 0, 0);
        return &module;
    }
    #ifdef SECOND_ENTRY
    PB_EXPORT const pb_module *SECOND_ENTRY(const pb_host *host);
    PB_EXPORT const pb_module *SECOND_ENTRY(const pb_host *host) { (void)host; return &module; }
    #endif
    """#
