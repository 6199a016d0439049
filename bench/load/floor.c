// The least that a push can cost: a server that does nothing but call send(2) with a frame that stands ready.
//
//   floor
//
// It listens on a free port, which it prints, and answers every upgrade with a 101. A line `TEXT` on standard input is sent
// to every connection as one text frame; then it prints how long that took and its processor time.
#include "net.h"

static int fds[65536], count;

static void welcome(int fd) {
  static char request[4096];
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: belfry.v1\r\n\r\n";
  if (recv(fd, request, sizeof request, 0) <= 0 || send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) { close(fd); return; }
  fds[count++] = fd;
}

static void send_to_all(const char *text, size_t length) {
  static unsigned char frame[1 << 16];
  size_t head = length < 126 ? 2 : 4;
  frame[0] = 0x81;
  frame[1] = (unsigned char)(length < 126 ? length : 126);
  if (head == 4) { frame[2] = (unsigned char)(length >> 8); frame[3] = (unsigned char)length; }
  memcpy(frame + head, text, length);
  double cpu = cpu_seconds();
  uint64_t began = now_ns();
  for (int i = 0; i < count; i++)
    if (send(fds[i], frame, head + length, MSG_NOSIGNAL) < 0) perror("send");
  printf("{\"sent\":%d,\"bytes\":%zu,\"began\":%lu,\"seconds\":%.6f,\"cpu\":%.6f}\n", count, head + length, began, (double)(now_ns() - began) / 1e9, cpu_seconds() - cpu);
  fflush(stdout);
}

int main(void) {
  allow_files(65536);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 4096) != 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&at, &size);
  printf("{\"port\":%d}\n", ntohs(at.sin_port));
  fflush(stdout);
  int poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  event.data.fd = 0;
  epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event);
  static char line[1 << 15];
  for (;;) {
    if (epoll_wait(poller, &event, 1, -1) < 1) continue;
    if (event.data.fd == 0) {
      ssize_t got = read(0, line, sizeof line);
      if (got <= 0) return 0;
      send_to_all(line, (size_t)got - (line[got - 1] == '\n'));
    } else if (event.data.fd == listener) {
      int fd = accept(listener, NULL, NULL), one = 1;
      if (fd < 0) continue;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      struct epoll_event asked = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = fd};
      epoll_ctl(poller, EPOLL_CTL_ADD, fd, &asked);
    } else {
      welcome(event.data.fd);
    }
  }
}
