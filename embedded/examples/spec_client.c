/* spec_client HOST:PORT: what `b2spec client` tries b2.c by (docs/spec/conformance/README.md). */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../b2.h"

enum { NEXT, ECHO, COUNT, HOLD, METHODS };
enum { TASK_DONE, TASK_ECHO, TASK_COUNT, TASK_HOLD, TASK_CANCEL };

/* What is kept from one connection to the next, and what goes on in this one. */
static struct {
  uint32_t status, messages, bytes;
  int told;          /* there was a task */
  int done;          /* all was tried */
  uint8_t task[64];  /* the answer to Next, as it comes */
  uint32_t task_size;
  uint32_t next, call; /* the streams of Next and of the task */
  int wanted;        /* a task is to be begun, as soon as the connection lets it */
  uint32_t kind, count, size, timeout_ms;
  uint32_t message;  /* bytes of the message that is coming */
  uint32_t payload;  /* of it: what its first field tells */
} now;

/* Piece is `0a`, a length, the bytes: the length tells what the parts that follow hold. */
static void on_piece(const b2_event *event) {
  uint32_t at = 1, shift = 0;
  if (now.message == 0 && event->size > 1) {
    now.payload = 0;
    do now.payload |= (uint32_t)(event->data[at] & 0x7f) << shift, shift += 7;
    while (event->data[at++] >= 0x80 && at < event->size);
  }
  now.message += event->size;
  if (event->kind != B2_MESSAGE) return;
  ++now.messages;
  if (now.message != 0) now.bytes += now.payload;
  now.message = 0;
}

static void read_task(void) {
  uint32_t at = 0;
  now.kind = now.count = now.size = now.timeout_ms = 0;
  while (at + 1 < now.task_size) {
    const uint32_t field = now.task[at++] >> 3;
    uint32_t value = 0, shift = 0;
    do value |= (uint32_t)(now.task[at] & 0x7f) << shift, shift += 7;
    while (now.task[at++] >= 0x80 && at < now.task_size);
    if (field == 1) now.kind = value;
    if (field == 2) now.count = value;
    if (field == 3) now.size = value;
    if (field == 4) now.timeout_ms = value;
  }
  now.status = now.messages = now.bytes = now.message = 0;
  now.told = now.wanted = 1;
  now.done = now.kind == TASK_DONE;
}

static void on_event(void *user, const b2_event *event) {
  (void)user;
  if (event->kind == B2_PART || event->kind == B2_MESSAGE) {
    if (event->stream != now.next) {
      on_piece(event);
    } else if (now.task_size + event->size <= sizeof now.task) {
      memcpy(now.task + now.task_size, event->data, event->size);
      now.task_size += event->size;
    }
  } else if (event->kind == B2_END && event->stream == now.next) {
    now.next = 0;
    if (event->status == B2_OK) read_task();
  } else if (event->kind == B2_END) {
    now.call = 0;
    now.status = event->status;
  }
}

static uint8_t *put(uint8_t *at, uint32_t tag, uint32_t value) {
  *at++ = (uint8_t)tag;
  for (; value > 0x7f; value >>= 7) *at++ = (uint8_t)(value | 0x80);
  *at++ = (uint8_t)value;
  return at;
}

/* Begins what is to be begun, where the connection has room for it. */
static void go_on(b2_client *client) {
  static uint8_t request[4096];
  uint8_t *at = request;
  if (now.call != 0 || now.next != 0 || !b2_ready(client)) return;
  if (!now.wanted) {
    at = put(at, 1 << 3, now.status);
    at = put(at, 2 << 3, now.messages);
    at = put(at, 3 << 3, now.bytes);
    at = put(at, 4 << 3, !now.told);
    at = put(at, 5 << 3 | 2, 7);
    memcpy(at, "1 2 3 4", 7);
    now.task_size = 0;
    now.next = b2_call(client, NEXT, request, (uint32_t)(at + 7 - request), 0);
    return;
  }
  if (now.kind == TASK_ECHO) {
    if (now.size > sizeof request - 10) exit(1);
    at = put(at, 1 << 3 | 2, now.size);
    memset(at, 'x', now.size);
    now.call = b2_call(client, ECHO, request, (uint32_t)(at - request) + now.size, now.timeout_ms);
  } else if (now.kind == TASK_COUNT) {
    at = put(put(at, 1 << 3, now.count), 2 << 3, now.size);
    now.call = b2_call(client, COUNT, request, (uint32_t)(at - request), now.timeout_ms);
  } else if (now.kind == TASK_HOLD || now.kind == TASK_CANCEL) {
    now.call = b2_call(client, HOLD, "", 0, now.timeout_ms);
  }
  now.wanted = now.call == 0;
  if (now.call != 0 && now.kind == TASK_CANCEL) b2_cancel(client, now.call);
}

static uint32_t milliseconds(void) {
  struct timespec time_now;
  clock_gettime(CLOCK_MONOTONIC, &time_now);
  return (uint32_t)time_now.tv_sec * 1000u + (uint32_t)(time_now.tv_nsec / 1000000);
}

/* One connection, until it ends or, after GOAWAY, has no call left. */
static void talk(int fd) {
  static const char drill[] = "b2.spec.v1.Drill";
  static uint8_t input[B2_SMALLEST_INPUT], output[4096];
  b2_method methods[METHODS] = {{drill, "Next", 0}, {drill, "Echo", 0}, {drill, "Count", 0}, {drill, "Hold", 0}};
  const b2_config config = {"spec_client", 7, input, sizeof input, output, sizeof output, methods, METHODS, on_event, NULL};
  b2_client client;
  uint8_t *space;
  now.next = now.call = 0;
  now.wanted = 0;
  b2_open(&client, &config, milliseconds());
  for (;;) {
    struct pollfd wait = {fd, 0, 0};
    uint32_t room;
    go_on(&client);
    room = b2_room(&client, &space);
    wait.events = (short)((room != 0 ? POLLIN : 0) | (client.out_used != 0 ? POLLOUT : 0));
    if (wait.events == 0 || (now.done && client.out_used == 0)) break; /* it is over, and all is sent */
    poll(&wait, 1, 20);
    b2_tick(&client, milliseconds());
    if ((wait.revents & POLLOUT) != 0) {
      const ssize_t sent = write(fd, output, client.out_used);
      if (sent < 0) break;
      b2_sent(&client, (uint32_t)sent);
    } else if (wait.revents != 0) {
      const ssize_t came = read(fd, space, room);
      if (came <= 0) break;
      b2_received(&client, (uint32_t)came);
    }
  }
  if (now.wanted) now.status = B2_BUSY; /* the task was not begun */
  b2_lost(&client);
}

int main(int argc, char **argv) {
  struct sockaddr_in at = {0};
  char *colon = argc == 2 ? strrchr(argv[1], ':') : NULL;
  int tries = 0;
  if (colon == NULL) return 2;
  signal(SIGPIPE, SIG_IGN);
  *colon = 0;
  at.sin_family = AF_INET;
  at.sin_port = htons((uint16_t)atoi(colon + 1));
  if (inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) return 2;
  while (!now.done && ++tries < 1000) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) return 1;
    talk(fd);
    close(fd);
  }
  return now.done ? 0 : 1;
}
