/* An upstream that costs little: answers from files, and event streams at a steady pace.
 *
 *     upstream PORT [/PREFIX=TYPE=FILE ...]
 *
 * A request whose path begins with /PREFIX/ is answered with the bytes of FILE and the content type TYPE; event streams are
 * framed as chunked, everything else by length. /paced-INTERVAL-FRAMES/ answers with a chat stream of FRAMES frames, one
 * every INTERVAL milliseconds, each carrying its number and the monotonic time at which it was written, and then the usage
 * and [DONE]. /held-FRAMES/ sends FRAMES frames at once and then stays silent.
 */
#include "common.h"

enum { MAX_FDS = 65536, MAX_ANSWERS = 32, TICK_MS = 1, WHEEL = 1000 };

typedef struct {
    char prefix[64];
    char *bytes;
    size_t size;
} answer_t;

typedef struct {
    char head[8192];
    size_t head_size;    /* bytes of the request head collected so far */
    size_t body_left;    /* request body still to come */
    char *pending;       /* what the socket would not take */
    size_t pending_size, pending_start;
    int answer;          /* what is answered when the body is in; -1: paced, -2: held, -3: 404 */
    int interval, frames, sent; /* of a paced stream */
    int next;            /* the next stream in its slot of the wheel, -1 at the end */
    int is_open, in_wheel;
} connection_t;

static answer_t answers[MAX_ANSWERS];
static int answer_count;
static connection_t *connections[MAX_FDS];
static int wheel[WHEEL];
static int poller;
static int64_t tick;   /* milliseconds since the start */
static int stagger;    /* spreads the streams evenly over their interval */

static const char stream_head[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";

static void load_answer(char *argument) {
    char *type = strchr(argument, '=');
    char *file = type ? strchr(type + 1, '=') : NULL;
    if (!file || answer_count == MAX_ANSWERS) die("an answer is /PREFIX=TYPE=FILE, not %s", argument);
    *type++ = 0;
    *file++ = 0;
    answer_t *answer = &answers[answer_count++];
    snprintf(answer->prefix, sizeof answer->prefix, "%s/", argument);
    size_t size;
    char *body = read_file(file, &size);
    answer->bytes = malloc(size + 512);
    if (strcmp(type, "text/event-stream") == 0) {
        int head = sprintf(answer->bytes, "%s%zx\r\n", stream_head, size);
        memcpy(answer->bytes + head, body, size);
        memcpy(answer->bytes + head + size, "\r\n0\r\n\r\n", 7);
        answer->size = (size_t)head + size + 7;
    } else {
        int head = sprintf(answer->bytes, "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %zu\r\n\r\n", type, size);
        memcpy(answer->bytes + head, body, size);
        answer->size = (size_t)head + size;
    }
    free(body);
}

static void want(int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event);
}

static void close_connection(int fd) {
    connection_t *connection = connections[fd];
    connection->is_open = 0;
    free(connection->pending);
    connection->pending = NULL;
    connection->pending_size = connection->pending_start = 0;
    close(fd);
}

static void send_bytes(int fd, const char *bytes, size_t size) {
    connection_t *connection = connections[fd];
    size_t done = 0;
    if (connection->pending_size == 0) {
        ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN) return close_connection(fd);
        done = count > 0 ? (size_t)count : 0;
        if (done == size) return;
        want(fd, EPOLLIN | EPOLLOUT);
    }
    connection->pending = realloc(connection->pending, connection->pending_size + size - done);
    memcpy(connection->pending + connection->pending_size, bytes + done, size - done);
    connection->pending_size += size - done;
}

static void send_pending(int fd) {
    connection_t *connection = connections[fd];
    size_t left = connection->pending_size - connection->pending_start;
    ssize_t count = send(fd, connection->pending + connection->pending_start, left, MSG_NOSIGNAL);
    if (count < 0) {
        if (errno != EAGAIN) close_connection(fd);
        return;
    }
    connection->pending_start += (size_t)count;
    if (connection->pending_start < connection->pending_size) return;
    connection->pending_start = connection->pending_size = 0;
    want(fd, EPOLLIN);
}

static void add_to_wheel(int fd, int64_t at) {
    int slot = (int)(at % WHEEL);
    if (connections[fd]->in_wheel) return; /* an earlier stream on the same descriptor left its place behind */
    connections[fd]->next = wheel[slot];
    connections[fd]->in_wheel = 1;
    wheel[slot] = fd;
}

static int64_t first_turn(int interval) {
    stagger = (stagger + 7) % interval;
    int64_t first = tick + 1;
    return first + (stagger + interval - first % interval) % interval;
}

static int frame(char *out, int number) {
    char data[512];
    int size = snprintf(data, sizeof data,
        "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1763690000,\"model\":\"bench-model\","
        "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"n%dt%lld\"},\"finish_reason\":null}]}\n\n",
        number, (long long)now_ns());
    return sprintf(out, "%x\r\n%s\r\n", size, data);
}

static int stream_end(char *out, int frames) {
    char data[1024];
    int size = snprintf(data, sizeof data,
        "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1763690000,\"model\":\"bench-model\","
        "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1763690000,\"model\":\"bench-model\","
        "\"choices\":[],\"usage\":{\"prompt_tokens\":312,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n"
        "data: [DONE]\n\n", frames, frames + 312);
    return sprintf(out, "%x\r\n%s\r\n0\r\n\r\n", size, data);
}

static void answer(int fd) {
    connection_t *connection = connections[fd];
    connection->head_size = 0;
    if (connection->answer >= 0) {
        send_bytes(fd, answers[connection->answer].bytes, answers[connection->answer].size);
    } else if (connection->answer == -3) {
        static const char missing[] = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        send_bytes(fd, missing, sizeof missing - 1);
    } else {
        char out[1024];
        send_bytes(fd, stream_head, sizeof stream_head - 1);
        if (connection->answer == -1) {
            if (connection->is_open) add_to_wheel(fd, first_turn(connection->interval));
            return;
        }
        for (int number = 0; number < connection->frames && connection->is_open; number++)
            send_bytes(fd, out, (size_t)frame(out, number));
    }
}

static void choose_answer(connection_t *connection, const char *path) {
    connection->answer = -3;
    connection->sent = 0;
    if (sscanf(path, "/paced-%d-%d/", &connection->interval, &connection->frames) == 2) {
        connection->answer = -1;
        if (connection->interval < 1 || connection->interval > WHEEL) connection->interval = 20;
    } else if (sscanf(path, "/held-%d/", &connection->frames) == 1) {
        connection->answer = -2;
    }
    for (int index = 0; index < answer_count; index++)
        if (strncmp(path, answers[index].prefix, strlen(answers[index].prefix)) == 0) connection->answer = index;
}

/* Takes one request's bytes from the front; gives how many it took. */
static size_t take(int fd, const char *bytes, size_t size) {
    connection_t *connection = connections[fd];
    if (connection->body_left > 0) {
        size_t count = size < connection->body_left ? size : connection->body_left;
        connection->body_left -= count;
        if (connection->body_left == 0) answer(fd);
        return count;
    }
    size_t before = connection->head_size, room = sizeof connection->head - 1 - before;
    size_t count = size < room ? size : room;
    memcpy(connection->head + before, bytes, count);
    connection->head_size += count;
    connection->head[connection->head_size] = 0;
    char *end = strstr(connection->head, "\r\n\r\n");
    if (!end) {
        if (room == count) close_connection(fd);
        return count;
    }
    size_t used = (size_t)(end + 4 - connection->head) - before;
    end[2] = 0;
    char *length = strcasestr(connection->head, "\r\ncontent-length:");
    connection->body_left = length ? strtoul(length + 17, NULL, 10) : 0;
    char *path = strchr(connection->head, ' ');
    choose_answer(connection, path ? path + 1 : "");
    if (connection->body_left == 0) answer(fd);
    return used;
}

static void readable(int fd) {
    static char buffer[1 << 18];
    ssize_t count = recv(fd, buffer, sizeof buffer, 0);
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) close_connection(fd);
        return;
    }
    size_t start = 0;
    while (start < (size_t)count && connections[fd]->is_open) start += take(fd, buffer + start, (size_t)count - start);
}

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) return;
        if (fd >= MAX_FDS) {
            close(fd);
            continue;
        }
        no_delay(fd);
        connection_t *old = connections[fd];
        int in_wheel = old ? old->in_wheel : 0, next = old ? old->next : -1;
        if (!old) old = connections[fd] = malloc(sizeof *old);
        memset(old, 0, sizeof *old);
        old->is_open = 1;
        old->in_wheel = in_wheel; /* a closed stream leaves the wheel at its next turn */
        old->next = next;
        old->answer = -3;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

/* Every stream whose turn it is gets its next frame and waits for its next turn. */
static void turn(void) {
    int slot = (int)(tick % WHEEL), list = wheel[slot];
    wheel[slot] = -1;
    while (list >= 0) {
        int fd = list;
        connection_t *connection = connections[fd];
        list = connection->next;
        connection->in_wheel = 0;
        if (!connection->is_open || connection->answer != -1) continue;
        char out[2048];
        if (connection->sent < connection->frames) {
            send_bytes(fd, out, (size_t)frame(out, connection->sent++));
            if (connection->is_open) add_to_wheel(fd, tick + connection->interval);
        } else {
            send_bytes(fd, out, (size_t)stream_end(out, connection->frames));
            connection->answer = -3;
        }
    }
}

int main(int count, char **arguments) {
    if (count < 2) die("usage: upstream PORT [/PREFIX=TYPE=FILE ...]");
    signal(SIGPIPE, SIG_IGN);
    more_files();
    for (int index = 2; index < count; index++) load_answer(arguments[index]);
    for (int slot = 0; slot < WHEEL; slot++) wheel[slot] = -1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = loopback(atoi(arguments[1]));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) die("cannot listen");
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    int64_t start = now_ns();
    for (;;) {
        struct epoll_event events[512];
        int ready = epoll_wait(poller, events, 512, TICK_MS);
        for (int index = 0; index < ready; index++) {
            int fd = events[index].data.fd;
            if (fd == listener) {
                accept_all(listener);
                continue;
            }
            if (connections[fd]->is_open && events[index].events & EPOLLOUT) send_pending(fd);
            if (connections[fd]->is_open && events[index].events & ~EPOLLOUT) readable(fd);
        }
        for (int64_t due = (now_ns() - start) / 1000000; tick < due; tick++) turn();
    }
}
