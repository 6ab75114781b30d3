/* What the codec of a format plugin costs, through the C interface as the host calls it.
 *
 *     codec CHAT_PLUGIN MESSAGES_PLUGIN CHAT_REQUEST MESSAGES_REQUEST CHAT_FRAMES MESSAGES_FRAMES
 *
 * The last two are event streams in files. Behind them may stand `FIGURE REPEATS`: nothing is measured then, and that figure's
 * work (from 0, in the order printed) is done so often, for a profiler. Prints one line for each figure: name, microseconds of CPU time, and the same as a
 * multiple of a memchr and of a memcpy pass over the same bytes in the same run (best of the rounds).
 */
#include "common.h"
#include <dlfcn.h>
#include <malloc.h>
#include <patchbay/patchbay.h>

enum { ROUNDS = 15, MAX_FRAMES = 4096 };

typedef struct {
    const pb_codec *codec;
    void *instance;
} format_t;

typedef struct {
    char *bytes;
    size_t size, room;
} buffer_t;

static volatile size_t sink_size;
static long repeats_only; /* do the work so often and measure nothing; 0 = measure */

static int64_t cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static pb_status append(const pb_sink *sink, pb_str bytes) {
    buffer_t *buffer = sink->ctx;
    if (buffer->size + bytes.len > buffer->room) {
        buffer->room = 2 * (buffer->size + bytes.len);
        buffer->bytes = realloc(buffer->bytes, buffer->room);
    }
    memcpy(buffer->bytes + buffer->size, bytes.ptr, bytes.len);
    buffer->size += bytes.len;
    return PB_OK;
}

static const void *no_service(const pb_host *host, const char *id) {
    (void)host, (void)id;
    return NULL;
}

static const pb_host host = {.size = sizeof host, .abi_major = PB_ABI_MAJOR, .abi_minor = PB_ABI_MINOR,
    .host_version = {"bench", 5}, .get = no_service};

static format_t load(const char *path, const char *entry) {
    void *image = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!image) die("%s", dlerror());
    pb_entry_fn function = (pb_entry_fn)dlsym(image, entry);
    if (!function) function = (pb_entry_fn)dlsym(image, PB_ENTRY_PREFIX);
    if (!function) die("%s has no entry function", path);
    const pb_plugin *plugin = function(&host)->plugins[0];
    format_t format = {.codec = plugin->get(plugin, PB_CODEC_ID)};
    buffer_t error = {0};
    pb_sink sink = {&error, append};
    if (plugin->create(plugin, &host, (pb_str){"{}", 2}, &format.instance, &sink)) die("%s cannot be created", path);
    return format;
}

static pb_codec_parameters parameters(uint32_t flags) {
    return (pb_codec_parameters){.size = sizeof(pb_codec_parameters), .flags = flags, .requested_model = {"bench-model", 11},
        .upstream_model = {"bench-model", 11}, .request_id = {"req_01bench00000000000000000", 28}, .created_s = 1763690000};
}

/* Best microseconds of a call over several rounds of about two milliseconds. */
static double measure(void (*body)(void *), void *context) {
    for (long index = 0; index < repeats_only; index++) body(context);
    if (repeats_only) return 1;
    body(context);
    int64_t start = cpu_ns();
    body(context);
    int64_t once = cpu_ns() - start, repeats = 2000000 / (once > 0 ? once : 1) + 1;
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        start = cpu_ns();
        for (int64_t index = 0; index < repeats; index++) body(context);
        double time = (double)(cpu_ns() - start) / (double)repeats / 1000;
        if (time < best) best = time;
    }
    return best;
}

typedef struct {
    char *bytes, *copy;
    size_t size;
} pass_t;

static void search_pass(void *context) {
    pass_t *pass = context;
    sink_size += memchr(pass->bytes, 1, pass->size) == NULL;
}

static void copy_pass(void *context) {
    pass_t *pass = context;
    memcpy(pass->copy, pass->bytes, pass->size);
    sink_size += (size_t)pass->copy[pass->size - 1];
}

static void report(const char *name, double time, char *bytes, size_t size) {
    if (repeats_only) return;
    pass_t pass = {bytes, malloc(size), size};
    double search = measure(search_pass, &pass), copy = measure(copy_pass, &pass);
    printf("%s\t%.3f\t%.1f\t%.1f\n", name, time, time / search, time / copy);
    free(pass.copy);
}

/* ---------------------------------------------------------------- documents */

typedef struct {
    format_t from, to;
    pb_str wire;
    buffer_t canonical, output;
} document_t;

static void convert_request(void *context) {
    document_t *document = context;
    pb_codec_parameters record = parameters(0);
    buffer_t error = {0};
    pb_sink canonical = {&document->canonical, append}, output = {&document->output, append}, sentence = {&error, append};
    document->canonical.size = document->output.size = 0;
    if (document->from.codec->request_to_canonical(document->from.instance, document->wire, &record, &canonical, &sentence)
        || document->to.codec->request_from_canonical(document->to.instance,
            (pb_str){document->canonical.bytes, document->canonical.size}, &record, &output, &sentence))
        die("the request cannot be converted: %.*s", (int)error.size, error.bytes);
    sink_size += document->output.size;
}

static void bench_request(const char *name, format_t from, format_t to, char *bytes, size_t size) {
    document_t document = {.from = from, .to = to, .wire = {bytes, size}};
    report(name, measure(convert_request, &document), bytes, size);
}

/* ------------------------------------------------------------------ streams */

typedef struct {
    format_t from, to;
    uint32_t flags;
    pb_frame frames[MAX_FRAMES];
    int count, first, last; /* frames that are repeated: first ..< last */
    void *decoder, *encoder;
    buffer_t output;
} stream_t;

static pb_status take_events(const pb_event_sink *sink, const pb_event *events, uint32_t count) {
    stream_t *stream = sink->ctx;
    pb_sink output = {&stream->output, append};
    return stream->encoder ? stream->to.codec->encoder_events(stream->encoder, events, count, &output) : PB_OK;
}

static void feed(stream_t *stream, int index) {
    pb_event_sink events = {stream, take_events};
    if (stream->from.codec->decoder_frames(stream->decoder, &stream->frames[index], 1, &events)) die("the stream broke");
}

static void feed_deltas(void *context) {
    stream_t *stream = context;
    stream->output.size = 0;
    for (int index = stream->first; index < stream->last; index++) feed(stream, index);
    sink_size += stream->output.size;
}

/* Cuts a stream as written by documents.py: an event line or none, one data line, a blank line. */
static void cut_frames(stream_t *stream, char *text) {
    for (char *at = text, *end; (end = strstr(at, "\n\n")) && stream->count < MAX_FRAMES; at = end + 2) {
        pb_frame *frame = &stream->frames[stream->count++];
        if (strncmp(at, "event: ", 7) == 0) {
            char *line = strchr(at, '\n');
            frame->event = (pb_str){at + 7, (uint64_t)(line - at - 7)};
            at = line + 1;
        }
        frame->data = (pb_str){at + 6, (uint64_t)(end - at - 6)};
    }
}

static void bench_stream(const char *name, format_t from, format_t to, uint32_t flags, char *bytes, int first, int last) {
    static stream_t stream;
    memset(&stream, 0, sizeof stream);
    stream.from = from;
    stream.to = to;
    cut_frames(&stream, bytes);
    stream.first = first;
    stream.last = stream.count - last;
    pb_codec_parameters record = parameters(PB_CODEC_STREAM | flags);
    if (from.codec->decoder_open(from.instance, &record, &stream.decoder)) die("no decoder");
    if (!(flags & PB_CODEC_TAP) && to.codec->encoder_open(to.instance, &record, &stream.encoder)) die("no encoder");
    for (int index = 0; index < first; index++) feed(&stream, index);
    feed_deltas(&stream);
    size_t before = mallinfo2().uordblks;
    for (int repeat = 0; repeat < 1000 && !repeats_only; repeat++) feed_deltas(&stream);
    double grown = (double)(mallinfo2().uordblks - before);
    size_t size = 0;
    for (int index = first; index < stream.last; index++) size += stream.frames[index].data.len;
    int events = stream.last - first;
    double time = measure(feed_deltas, &stream) / events;
    report(name, time, (char *)stream.frames[first].data.ptr, size / (size_t)events);
    if (!repeats_only) printf("%s: bytes kept for each event\t%.3f\t0\t0\n", name, grown / 1000 / events);
    from.codec->decoder_close(stream.decoder);
    if (stream.encoder) to.codec->encoder_close(stream.encoder);
}

int main(int count, char **arguments) {
    if (count != 7 && count != 9) die("usage: codec CHAT_PLUGIN MESSAGES_PLUGIN CHAT_REQUEST MESSAGES_REQUEST CHAT_FRAMES MESSAGES_FRAMES [FIGURE REPEATS]");
    int only = count == 9 ? atoi(arguments[7]) : -1;
    if (only >= 0) repeats_only = atol(arguments[8]);
    format_t chat = load(arguments[1], "patchbay_entry_v1__format_openai_chat");
    format_t messages = load(arguments[2], "patchbay_entry_v1__format_anthropic_messages");
    size_t sizes[4];
    char *texts[4];
    for (int index = 0; index < 4; index++) texts[index] = read_file(arguments[3 + index], &sizes[index]);
    if (only < 0 || only == 0) bench_request("request of 2 KB, chat to messages", chat, messages, texts[0], sizes[0]);
    if (only < 0 || only == 1) bench_request("request of 2 KB, messages to chat", messages, chat, texts[1], sizes[1]);
    if (only < 0 || only == 2) bench_stream("stream event, chat to messages", chat, messages, 0, texts[2], 2, 3);
    if (only < 0 || only == 3) bench_stream("stream event, messages to chat", messages, chat, 0, texts[3], 3, 3);
    if (only < 0 || only == 4) bench_stream("stream event, tap of chat", chat, messages, PB_CODEC_TAP, texts[2], 2, 3);
    if (only < 0 || only == 5) bench_stream("stream event, tap of messages", messages, chat, PB_CODEC_TAP, texts[3], 3, 3);
    return sink_size == 0;
}
