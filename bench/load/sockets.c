// Opens many WebSocket connections, each with a session cookie of its own, and counts the frames that come.
//
//   sockets PORT PATH COOKIES CONNECTIONS [--name value]...
//
// COOKIES has one Cookie header a line. It prints one line of JSON when all connections are ready. Then it obeys lines on
// standard input: `expect N` counts from 0 again, and when N frames came to each connection it prints when they came; `frames N` does so for N
// frames in all; `total` prints what
// has come until now; the end of the input ends it. Times are nanoseconds of the monotonic clock, as process.hrtime() has them.
#include "net.h"

enum { LOOK = 128, HELD = LOOK + 10, BUFFER = 1 << 16 };

typedef struct {
  int fd;
  enum { CONNECTING, UPGRADING, UPGRADED, READY, LOST } state;
  uint32_t held;     // bytes of an incomplete frame in `head`
  uint32_t counted;  // frames since the last command
  uint64_t skip;     // bytes that are left of a payload whose start has been looked at
  char *request;     // until it is sent
  char head[HELD];
} Connection;

static const char *hello = NULL, *say = NULL, *count = "", *question = NULL, *answer = NULL, *protocol = NULL;
static int at_once = 64;
static Connection *all;
static int wanted, ready, begun, lost;
static uint64_t frames, bytes, first_at, last_at, expected, complete, awaited;
static uint64_t *arrivals;
static double cpu_before;
static int poller;

static void send_frame(int fd, int opcode, const char *text, size_t length) {
  unsigned char frame[6 + 125];
  if (length > 125) length = 125;
  frame[0] = (unsigned char)(0x80 | opcode);
  frame[1] = (unsigned char)(0x80 | length);
  memset(frame + 2, 0, 4);
  memcpy(frame + 6, text, length);
  if (send(fd, frame, 6 + length, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) fail("send");
}

static void begin(const char *path, const char *cookie, int port) {
  Connection *c = &all[begun];
  c->fd = dial(port, begun);
  char request[2048];
  snprintf(request, sizeof request,
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s%s\r\n\r\n",
    path, port, port, protocol ? "Sec-WebSocket-Protocol: " : "", protocol ? protocol : "", protocol ? "\r\n" : "", cookie);
  // The loopback connects at once or into the backlog: the request may be sent when the socket says that it is writable.
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)begun};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
  c->request = strdup(request);
  c->state = CONNECTING;
  begun++;
}

static void lose(Connection *c, const char *why, const char *detail) {
  if (lost++ < 3) fprintf(stderr, "sockets: a connection was lost: %s %.120s\n", why, detail);
  close(c->fd);
  c->fd = -1;
  if (c->state != READY) ready++;
  c->state = LOST;
}

static void become_ready(Connection *c) {
  c->state = READY;
  ready++;
}

static void on_payload(Connection *c, int opcode, const char *start, size_t seen) {
  if (opcode == 9) { send_frame(c->fd, 10, start, seen); return; }
  if (opcode != 1 && opcode != 2) return;
  if (c->state == UPGRADED && hello && seen >= strlen(hello) && memcmp(start, hello, strlen(hello)) == 0) { become_ready(c); return; }
  if (question && seen == strlen(question) && memcmp(start, question, seen) == 0) { send_frame(c->fd, 1, answer, strlen(answer)); return; }
  if (seen < strlen(count) || memcmp(start, count, strlen(count)) != 0) return;
  uint64_t at = now_ns();
  if (frames++ == 0) first_at = at;
  last_at = at;
  if (++c->counted == expected) { if (arrivals) arrivals[complete] = at; complete++; }
}

// Where the head of a frame and the looked-at start of its payload end; 0 while not all of that is there.
static size_t looked_at(const char *data, size_t length, size_t *head, uint64_t *payload) {
  const unsigned char *h = (const unsigned char *)data;
  if (length < 2) return 0;
  *head = h[1] < 126 ? 2 : h[1] == 126 ? 4 : 10;
  if (length < *head) return 0;
  *payload = *head == 2 ? h[1] : 0;
  for (size_t i = 2; i < *head; i++) *payload = *payload << 8 | h[i];
  size_t end = *head + (size_t)(*payload < LOOK ? *payload : LOOK);
  return length < end ? 0 : end;
}

// Frames from a server are not masked. A frame is looked at as soon as its first bytes are there; the rest of it is skipped.
static void on_frames(Connection *c, const char *data, size_t length) {
  while (length > 0) {
    size_t used, head = 0;
    uint64_t payload = 0;
    if (c->skip > 0) {
      used = c->skip < length ? (size_t)c->skip : length;
      c->skip -= used;
    } else if (c->held > 0) {
      size_t before = c->held, part = HELD - before < length ? HELD - before : length;
      memcpy(c->head + before, data, part);
      size_t end = looked_at(c->head, before + part, &head, &payload);
      c->held = end == 0 ? (uint32_t)(before + part) : 0;
      if (end == 0) return;
      on_payload(c, c->head[0] & 15, c->head + head, end - head);
      c->skip = payload - (end - head);
      used = end - before;
    } else {
      used = looked_at(data, length, &head, &payload);
      if (used == 0) {
        memcpy(c->head, data, length);
        c->held = (uint32_t)length;
        return;
      }
      on_payload(c, data[0] & 15, data + head, used - head);
      c->skip = payload - (used - head);
    }
    data += used;
    length -= used;
  }
}

static void on_upgraded(Connection *c, char *data, size_t length) {
  data[length] = 0;
  char *end = strstr(data, "\r\n\r\n");
  if (memcmp(data, "HTTP/1.1 101", length < 12 ? length : 12) != 0 || !end) { lose(c, "no 101:", data); return; }
  c->state = UPGRADED;
  if (say) send_frame(c->fd, 1, say, strlen(say));
  if (!hello) become_ready(c);
  size_t rest = length - (size_t)(end + 4 - data);
  if (rest > 0) on_frames(c, end + 4, rest);
}

static void on_event(Connection *c, uint32_t events, uint32_t number) {
  static char buffer[BUFFER + 1];
  if (c->state == LOST) return;
  if (c->state == CONNECTING && (events & EPOLLOUT)) {
    ssize_t length = (ssize_t)strlen(c->request), sent = send(c->fd, c->request, (size_t)length, MSG_NOSIGNAL);
    free(c->request);
    c->request = NULL;
    if (sent != length) { lose(c, "cannot send", strerror(errno)); return; }
    c->state = UPGRADING;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
    return;
  }
  ssize_t got = recv(c->fd, buffer, BUFFER, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) { lose(c, "closed", got < 0 ? strerror(errno) : ""); return; }
  bytes += (uint64_t)got;
  if (c->state == UPGRADING) on_upgraded(c, buffer, (size_t)got);
  else on_frames(c, buffer, (size_t)got);
}

static void restart(uint64_t each) {
  frames = bytes = first_at = last_at = complete = awaited = 0;
  expected = each;
  for (int i = 0; i < wanted; i++) all[i].counted = 0;
  cpu_before = cpu_seconds();
}

static void print_counts(const char *event) {
  uint64_t half = 0, most = 0;
  if (complete > 0) { half = arrivals[complete / 2]; most = arrivals[(size_t)((double)(complete - 1) * 0.99)]; }
  printf("{\"event\":\"%s\",\"frames\":%lu,\"bytes\":%lu,\"complete\":%lu,\"lost\":%d,\"first\":%lu,\"half\":%lu,\"p99\":%lu,\"last\":%lu,\"cpu\":%.6f}\n", event,
    frames, bytes, complete, lost, first_at, half, most, last_at, cpu_seconds() - cpu_before);
  fflush(stdout);
}

static int obey(void) {
  static char line[256];
  ssize_t got = read(0, line, sizeof line - 1);
  if (got <= 0) return 0;
  line[got] = 0;
  if (strncmp(line, "total", 5) != 0) {
    int each = strncmp(line, "expect ", 7) == 0;
    uint64_t number = strtoull(line + 7, NULL, 10);
    restart(each ? number : 0);
    awaited = each ? 0 : number;
    printf("{\"event\":\"waiting\"}\n");
    fflush(stdout);
  } else {
    print_counts("total");
  }
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 5) { fprintf(stderr, "sockets PORT PATH COOKIES CONNECTIONS [--name value]...\n"); return 2; }
  int port = atoi(argv[1]);
  wanted = atoi(argv[4]);
  for (int i = 5; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--hello")) hello = argv[i + 1];
    else if (!strcmp(argv[i], "--say")) say = argv[i + 1];
    else if (!strcmp(argv[i], "--count")) count = argv[i + 1];
    else if (!strcmp(argv[i], "--question")) question = argv[i + 1];
    else if (!strcmp(argv[i], "--answer")) answer = argv[i + 1];
    else if (!strcmp(argv[i], "--protocol")) protocol = argv[i + 1];
    else if (!strcmp(argv[i], "--at-once")) at_once = atoi(argv[i + 1]);
  }
  allow_files((rlim_t)wanted + 64);
  size_t size;
  char *cookies = read_file(argv[3], &size), *cookie = cookies;
  for (size_t i = 0; i < size; i++)
    if (cookies[i] == '\n') cookies[i] = 0;
  all = calloc((size_t)wanted, sizeof *all);
  arrivals = calloc((size_t)wanted, sizeof *arrivals);
  poller = epoll_create1(0);
  struct epoll_event input = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  epoll_ctl(poller, EPOLL_CTL_ADD, 0, &input);
  uint64_t started = now_ns();
  int announced = 0, heard = 0;
  struct epoll_event events[512];
  for (;;) {
    while (begun < wanted && begun - ready < at_once) {
      begin(argv[2], cookie, port);
      cookie += strlen(cookie) + 1;
      if (cookie >= cookies + size) cookie = cookies;
    }
    if (!announced && ready == wanted) {
      announced = 1;
      printf("{\"event\":\"ready\",\"connections\":%d,\"lost\":%d,\"seconds\":%.6f,\"cpu\":%.6f}\n", wanted - lost, lost, (double)(now_ns() - started) / 1e9,
        cpu_seconds());
      fflush(stdout);
      restart(0);
    }
    int count_of = epoll_wait(poller, events, 512, -1);
    if (count_of < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count_of; i++) {
      if (events[i].data.u32 == UINT32_MAX) heard = 1;
      else on_event(&all[events[i].data.u32], events[i].events, events[i].data.u32);
    }
    if (heard && !obey()) return 0;
    heard = 0;
    if (expected > 0 && complete + (uint64_t)lost >= (uint64_t)wanted) {
      print_counts("arrived");
      expected = 0;
    }
    if (awaited > 0 && frames >= awaited) {
      print_counts("arrived");
      awaited = 0;
    }
  }
}
