// Sends HTTP requests over a few kept-alive connections and measures the answers.
//
//   requests PORT FILE [--connections N] [--seconds S] [--every MICROSECONDS] [--samples FILE]
//
// FILE holds whole requests, each preceded by a line with its length; they are sent in turn. Without --every each connection asks
// again as soon as it was answered. With it requests are due at a fixed pace, whoever is late, and latency counts from when one was due:
// a server that stalls is charged for those who would have asked meanwhile. At a fixed pace it goes before other programs where it may (as root): a client
// that is elsewhere does not wait for a processor of the server's. --samples writes three 64-bit numbers each: when due, the latency, and how
// late it was sent, in nanoseconds of the monotonic clock. It prints one line of JSON at the end. `stop` on standard input, or its end, ends it early.
#include "net.h"

enum { BUFFER = 1 << 16, MOST = 8000000 };

typedef struct {
  int fd;
  int busy;
  uint64_t due, late;
  size_t got;
  char buffer[BUFFER + 1];
} Connection;

static char **texts;
static size_t *lengths, kinds, turn;
static Connection *all;
static int connections = 32, poller, pending;
static uint64_t *samples, statuses[600];
static size_t answered;
static double seconds = 2, every_us = 0;

static void read_requests(const char *path) {
  size_t size;
  char *text = read_file(path, &size), *at = text;
  texts = malloc(sizeof *texts * (size / 16 + 1));
  lengths = malloc(sizeof *lengths * (size / 16 + 1));
  while (at < text + size) {
    lengths[kinds] = strtoul(at, &at, 10);
    texts[kinds] = ++at;
    at += lengths[kinds++];
  }
}

static void ask(Connection *c, uint64_t due) {
  c->busy = 1;
  c->due = due;
  c->late = now_ns() - due;
  c->got = 0;
  pending++;
  size_t kind = turn++ % kinds;
  if (send(c->fd, texts[kind], lengths[kind], MSG_NOSIGNAL) != (ssize_t)lengths[kind]) fail("send");
}

// The length of the whole answer in the buffer; 0 while it is not there.
static size_t whole(Connection *c) {
  c->buffer[c->got] = 0;
  char *end = strstr(c->buffer, "\r\n\r\n");
  if (!end) return 0;
  int status = atoi(c->buffer + 9);
  size_t head = (size_t)(end + 4 - c->buffer);
  if (status == 304 || status == 204) return head;
  *end = 0;
  char *field = strcasestr(c->buffer, "\r\nContent-Length:");
  *end = '\r';
  if (!field) { fprintf(stderr, "requests: an answer without Content-Length:\n%.600s\n", c->buffer); exit(1); }
  size_t length = head + strtoul(field + 17, NULL, 10);
  return c->got >= length ? length : 0;
}

static int on_readable(Connection *c) {
  ssize_t got = recv(c->fd, c->buffer + c->got, BUFFER - c->got, 0);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) { fprintf(stderr, "requests: the server closed a connection\n"); exit(1); }
  c->got += (size_t)got;
  if (whole(c) == 0) return 0;
  int status = atoi(c->buffer + 9);
  if (status > 0 && status < 600) statuses[status]++;
  if (answered < MOST) {
    samples[3 * answered] = c->due;
    samples[3 * answered + 1] = now_ns() - c->due;
    samples[3 * answered + 2] = c->late;
    answered++;
  }
  c->busy = 0;
  pending--;
  return 1;
}

static void print_result(double took, double cpu) {
  uint64_t *latencies = malloc(sizeof *latencies * (answered + 1));
  for (size_t i = 0; i < answered; i++) latencies[i] = samples[3 * i + 1];
  qsort(latencies, answered, sizeof *latencies, by_size);
  printf("{\"requests\":%zu,\"seconds\":%.6f,\"cpu\":%.6f,\"p50\":%.4f,\"p90\":%.4f,\"p99\":%.4f,\"max\":%.4f,\"statuses\":{", answered, took, cpu,
    quantile_ms(latencies, answered, 0.5), quantile_ms(latencies, answered, 0.9), quantile_ms(latencies, answered, 0.99), quantile_ms(latencies, answered, 1));
  const char *comma = "";
  for (int i = 0; i < 600; i++)
    if (statuses[i]) { printf("%s\"%d\":%lu", comma, i, statuses[i]); comma = ","; }
  printf("}}\n");
}

// In turn, so that none is idle for so long that the server closes it.
static Connection *idle_one(void) {
  static int last = 0;
  for (int i = 0; i < connections; i++) {
    last = (last + 1) % connections;
    if (!all[last].busy) return &all[last];
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 3) { fprintf(stderr, "requests PORT FILE [--name value]...\n"); return 2; }
  const char *samples_to = NULL;
  for (int i = 3; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--connections")) connections = atoi(argv[i + 1]);
    else if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
    else if (!strcmp(argv[i], "--every")) every_us = atof(argv[i + 1]);
    else if (!strcmp(argv[i], "--samples")) samples_to = argv[i + 1];
  }
  if (every_us > 0) setpriority(PRIO_PROCESS, 0, -10);
  read_requests(argv[2]);
  samples = malloc(sizeof *samples * 3 * MOST);
  all = calloc((size_t)connections, sizeof *all);
  poller = epoll_create1(0);
  struct epoll_event input = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  epoll_ctl(poller, EPOLL_CTL_ADD, 0, &input);
  for (int i = 0; i < connections; i++) {
    all[i].fd = dial(atoi(argv[1]), i);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    epoll_ctl(poller, EPOLL_CTL_ADD, all[i].fd, &event);
    for (int error = 1; error != 0;) {
      struct sockaddr_in peer;
      socklen_t size = sizeof peer;
      error = getpeername(all[i].fd, (struct sockaddr *)&peer, &size);
      if (error) usleep(200);
    }
  }
  uint64_t started = now_ns(), until = started + (uint64_t)(seconds * 1e9), due = started;
  double cpu = cpu_seconds();
  if (every_us == 0)
    for (int i = 0; i < connections; i++) ask(&all[i], now_ns());
  struct epoll_event events[64];
  int stopped = 0;
  while (!stopped && (now_ns() < until || pending > 0)) {
    uint64_t now = now_ns();
    if (now > until + 10000000000ull) break;
    for (Connection *c; every_us > 0 && due <= now && due < until && (c = idle_one()) != NULL; due += (uint64_t)(every_us * 1000)) ask(c, due);
    struct timespec wait = {0, every_us > 0 && due > now && due < until ? (long)(due - now) : 50000000};
    if (wait.tv_nsec > 50000000) wait.tv_nsec = 50000000;
    int count = epoll_pwait2(poller, events, 64, &wait, NULL);
    for (int i = 0; i < count; i++) {
      if (events[i].data.u32 == UINT32_MAX) { char line[64]; stopped = read(0, line, sizeof line) >= 0; continue; }
      Connection *c = &all[events[i].data.u32];
      if (on_readable(c) && every_us == 0 && now_ns() < until) ask(c, now_ns());
    }
  }
  double took = (double)(now_ns() - started) / 1e9;
  print_result(took, cpu_seconds() - cpu);
  if (samples_to) {
    FILE *file = fopen(samples_to, "wb");
    if (!file || fwrite(samples, 24, answered, file) != answered) fail(samples_to);
    fclose(file);
  }
  return 0;
}
