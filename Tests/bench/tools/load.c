/* A load generator that costs little: closed-loop requests, or many event streams at once.
 *
 *     load PORT PATH BODY [connections=N] [seconds=S] [requests=N] [warm=S] [ramp=MS] [frames=N] [hold=1] [leave=1] [header=NAME:VALUE ...]
 *
 * Without `frames` every connection sends the request again and again until the time is over or the number is reached. With
 * `frames` every connection opens one stream of that many numbered frames (see upstream.c), and the streams are lost when a
 * number is missing, [DONE] does not come or the connection ends. With `hold` nothing is measured and the streams stay open until
 * the end; with `leave` they are not waited for. Prints one JSON object. `begin` on a line of its own says that everything is
 * connected and measured from now on, `end` that it is over: the harness reads the CPU times there and answers with a line.
 */
#include "common.h"

enum {
    BUCKETS = 64 * 64,
    NEED = 48, /* bytes from the mark of a frame that hold its number and time */
};

typedef struct {
    int fd;
    size_t sent;
    int64_t started;
    /* the response */
    char head[4096];
    size_t head_size;
    int state; /* 0 head, 1 body by length, 2 chunk size, 3 chunk data, 4 chunk end, 5 trailer */
    size_t left;
    int status, is_done, wants_write, closes;
    /* a stream */
    int next_number, is_finished, is_lost;
    int64_t last_frame;
    char carry[96];
    size_t carry_size;
} connection_t;

static int port, connections = 1, poller, frames = -1, hold = 0, leaves = 0, alive = 0;
static double seconds = 0, warm = 0;
static long requests = 0, ramp = 0;
static char *request;
static size_t request_size;
static connection_t *all;
static long done, failed, bad, bytes, frame_count, lost, finished;
static long latency[BUCKETS], gaps[BUCKETS], delays[BUCKETS];
static int is_measuring;

/* Histogram with 64 buckets for each power of two: better than 2 %. */
static void record(long *histogram, int64_t value) {
    if (value < 0) value = 0;
    int shift = 0;
    while (value >> shift >= 64) shift++;
    long index = shift * 64 + (value >> shift);
    histogram[index < BUCKETS ? index : BUCKETS - 1]++;
}

static double percentile(const long *histogram, double share) {
    long total = 0, seen = 0;
    for (int index = 0; index < BUCKETS; index++) total += histogram[index];
    for (int index = 0; index < BUCKETS; index++) {
        seen += histogram[index];
        if (total && (double)seen >= share * (double)total)
            return (double)((int64_t)(index % 64) << (index / 64)) / 1000.0;
    }
    return 0;
}

static void watch(connection_t *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(poller, operation, connection->fd, &event);
}

static void send_request(connection_t *connection) {
    while (connection->sent < request_size) {
        ssize_t count = send(connection->fd, request + connection->sent, request_size - connection->sent, MSG_NOSIGNAL);
        if (count < 0) {
            if (!connection->wants_write) watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            connection->wants_write = 1;
            return;
        }
        connection->sent += (size_t)count;
    }
    if (connection->wants_write) watch(connection, EPOLL_CTL_MOD, EPOLLIN);
    connection->wants_write = 0;
}

static void begin_request(connection_t *connection) {
    connection->sent = 0;
    connection->state = 0;
    connection->head_size = 0;
    connection->is_done = 0;
    connection->started = now_ns();
    send_request(connection);
}

static void connect_one(connection_t *connection) {
    struct sockaddr_in address = loopback(port);
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address)) die("cannot connect: %s", strerror(errno));
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    no_delay(connection->fd);
    connection->wants_write = 0;
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    begin_request(connection);
}

/* One frame of a paced stream: "n<number>t<nanoseconds>" is its content. */
static void see_frame(connection_t *connection, const char *text) {
    static const char mark[] = "\"content\":\"n";
    char *end;
    long number = strtol(text + sizeof mark - 1, &end, 10);
    if (*end != 't') return;
    int64_t written = strtoll(end + 1, NULL, 10), now = now_ns();
    if (number != connection->next_number) connection->is_lost = 1;
    connection->next_number = (int)number + 1;
    frame_count++;
    if (is_measuring) {
        record(delays, now - written);
        if (connection->last_frame) record(gaps, now - connection->last_frame);
    }
    connection->last_frame = now;
}

/* Looks for frames in body bytes; what may be half a frame waits in `carry`. */
static void see_stream(connection_t *connection, const char *data, size_t size) {
    static char joined[(1 << 18) + 128];
    memcpy(joined, connection->carry, connection->carry_size);
    memcpy(joined + connection->carry_size, data, size);
    size_t total = connection->carry_size + size, from = 0;
    joined[total] = 0;
    for (;;) {
        char *found = memmem(joined + from, total - from, "\"content\":\"n", 12);
        if (!found || total - (size_t)(found - joined) < NEED) {
            size_t keep = found ? total - (size_t)(found - joined) : total - from < NEED ? total - from : NEED;
            if (!found && memmem(joined + from, total - from, "data: [DONE]", 12)) connection->is_finished = 1;
            memcpy(connection->carry, joined + total - keep, keep);
            connection->carry_size = keep;
            return;
        }
        see_frame(connection, found);
        from = (size_t)(found - joined) + 12;
    }
}

static int parse_head(connection_t *connection) {
    char *head = connection->head;
    if (sscanf(head, "HTTP/1.%*d %d", &connection->status) != 1) return -1;
    char *length = strcasestr(head, "\r\ncontent-length:");
    connection->closes = strcasestr(head, "\r\nconnection: close") != NULL;
    if (strcasestr(head, "\r\ntransfer-encoding: chunked")) {
        connection->state = 2;
        connection->left = 0;
    } else if (length) {
        connection->state = 1;
        connection->left = strtoul(length + 17, NULL, 10);
        connection->is_done = connection->left == 0;
    } else {
        return -1;
    }
    return 0;
}

/* Follows the response; 0 when it is well formed so far. */
static int feed(connection_t *connection, const char *data, size_t size) {
    size_t at = 0;
    while (at < size && !connection->is_done) {
        if (connection->state == 0) {
            size_t before = connection->head_size, room = sizeof connection->head - 1 - before;
            size_t count = size - at < room ? size - at : room;
            if (room == 0) return -1;
            memcpy(connection->head + before, data + at, count);
            connection->head_size += count;
            connection->head[connection->head_size] = 0;
            char *end = strstr(connection->head, "\r\n\r\n");
            if (!end) {
                at += count;
                continue;
            }
            at += (size_t)(end + 4 - connection->head) - before;
            end[2] = 0;
            if (parse_head(connection)) return -1;
        } else if (connection->state == 1 || connection->state == 3) {
            size_t count = size - at < connection->left ? size - at : connection->left;
            if (frames >= 0) see_stream(connection, data + at, count);
            at += count;
            connection->left -= count;
            if (connection->left == 0) {
                if (connection->state == 1) connection->is_done = 1;
                connection->state = 4;
            }
        } else {
            char byte = data[at++];
            if (connection->state == 2) {
                if (byte == '\n') connection->state = connection->left ? 3 : 5;
                else if (byte >= '0' && byte <= '9') connection->left = connection->left * 16 + (size_t)(byte - '0');
                else if (byte >= 'a' && byte <= 'f') connection->left = connection->left * 16 + (size_t)(byte - 'a' + 10);
                else if (byte >= 'A' && byte <= 'F') connection->left = connection->left * 16 + (size_t)(byte - 'A' + 10);
            } else if (byte == '\n') {
                if (connection->state == 5) connection->is_done = 1;
                connection->state = 2;
            }
        }
    }
    return 0;
}

static void reopen(connection_t *connection) {
    close(connection->fd);
    connect_one(connection);
}

static void stop(connection_t *connection) {
    close(connection->fd);
    connection->fd = -1;
    alive--;
}

/* A response has ended: counts it; gives whether another one shall follow. */
static int finish(connection_t *connection, int is_broken) {
    if (is_broken) failed++;
    else if (connection->status != 200) bad++;
    if (frames >= 0) {
        if (is_broken || connection->status != 200 || connection->is_lost || !connection->is_finished
            || connection->next_number != frames) lost++;
        else finished++;
        stop(connection);
        return 0;
    }
    if (is_measuring) {
        done++;
        record(latency, now_ns() - connection->started);
    }
    return !requests || done < requests;
}

static void readable(connection_t *connection) {
    static char buffer[1 << 18];
    ssize_t count = recv(connection->fd, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count > 0) bytes += count;
    if (count <= 0 || feed(connection, buffer, (size_t)count)) {
        if (finish(connection, 1)) reopen(connection);
        return;
    }
    if (!connection->is_done || !finish(connection, 0)) return;
    if (connection->closes) reopen(connection);
    else begin_request(connection);
}

static void turn(int milliseconds) {
    struct epoll_event events[512];
    int ready = epoll_wait(poller, events, 512, milliseconds);
    for (int index = 0; index < ready; index++) {
        connection_t *connection = events[index].data.ptr;
        if (connection->fd >= 0 && events[index].events & EPOLLOUT) send_request(connection);
        if (connection->fd >= 0 && events[index].events & ~EPOLLOUT) readable(connection);
    }
}

static void run_for(double time) {
    int64_t end = now_ns() + (int64_t)(time * 1e9), left;
    while ((left = end - now_ns()) > 0) turn((int)(left / 1000000) + 1);
}

static void say(const char *word) {
    puts(word);
    fflush(stdout);
    getchar(); /* the harness reads the CPU times and answers with one line */
}

static void build_request(const char *path, const char *body, const char *headers) {
    size_t size;
    char *bytes = read_file(body, &size);
    request = malloc(size + 4096);
    int head = snprintf(request, 4096,
        "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nuser-agent: bench/1.0\r\naccept: application/json\r\n"
        "content-type: application/json\r\n%scontent-length: %zu\r\n\r\n", path, port, headers, size);
    memcpy(request + head, bytes, size);
    request_size = (size_t)head + size;
    free(bytes);
}

static void read_arguments(int count, char **arguments) {
    if (count < 4) die("usage: load PORT PATH BODY [name=value ...]");
    char headers[2048] = "", *value;
    port = atoi(arguments[1]);
    for (int index = 4; index < count; index++) {
        char *name = arguments[index];
        if (!(value = strchr(name, '='))) die("%s is not name=value", name);
        *value++ = 0;
        if (!strcmp(name, "connections")) connections = atoi(value);
        else if (!strcmp(name, "seconds")) seconds = atof(value);
        else if (!strcmp(name, "requests")) requests = atol(value);
        else if (!strcmp(name, "warm")) warm = atof(value);
        else if (!strcmp(name, "ramp")) ramp = atol(value);
        else if (!strcmp(name, "frames")) frames = atoi(value);
        else if (!strcmp(name, "hold")) hold = atoi(value);
        else if (!strcmp(name, "leave")) leaves = atoi(value);
        else if (!strcmp(name, "header")) {
            size_t used = strlen(headers);
            snprintf(headers + used, sizeof headers - used, "%s\r\n", value);
        } else die("no option is named %s", name);
    }
    build_request(arguments[2], arguments[3], headers);
}

static void connect_all(void) {
    int64_t start = now_ns();
    for (int index = 0; index < connections; index++) {
        connect_one(&all[index]);
        alive++;
        if (!ramp) continue;
        int64_t due = start + ramp * 1000000 * (index + 1) / connections;
        while (now_ns() < due) turn(1);
    }
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    more_files();
    read_arguments(count, arguments);
    poller = epoll_create1(0);
    all = calloc((size_t)connections, sizeof *all);
    connect_all();
    run_for(warm);
    say("begin");
    is_measuring = 1;
    frame_count = 0;
    int64_t start = now_ns();
    if (!hold && seconds > 0) run_for(seconds);
    else if (!hold) while (done < requests) turn(100);
    double elapsed = (double)(now_ns() - start) / 1e9;
    long measured = frame_count;
    is_measuring = 0;
    say("end");
    if (frames >= 0 && !hold && !leaves) {
        int64_t limit = now_ns() + 120000000000LL;
        while (alive > 0 && now_ns() < limit) turn(100);
        lost += alive;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"requests\":%ld,\"failed\":%ld,\"bad\":%ld,\"bytes\":%ld,\"seconds\":%f,\"p50\":%f,\"p99\":%f,"
           "\"frames\":%ld,\"finished\":%ld,\"lost\":%ld,\"gap_p50\":%f,\"gap_p99\":%f,\"delay_p50\":%f,\"delay_p99\":%f,"
           "\"cpu\":%f}\n",
        done, failed, bad, bytes, elapsed, percentile(latency, 0.5), percentile(latency, 0.99), measured, finished, lost,
        percentile(gaps, 0.5), percentile(gaps, 0.99), percentile(delays, 0.5), percentile(delays, 0.99),
        (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec
            + (double)usage.ru_stime.tv_usec / 1e6);
}
