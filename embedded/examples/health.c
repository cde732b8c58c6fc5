/* health ADDRESS PORT: asks b2.v1.Core/Health and says what it answers. All that a program around b2.c needs. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../b2.h"

static int result = -1; /* how the program ends, once that is known */

static void on_event(void *user, const b2_event *event) {
  (void)user;
  /* HealthResponse: field 1, a number, is 2 for "serving". A field that has its default is not sent. */
  if (event->kind == B2_MESSAGE) printf("%s\n", event->size >= 2 && event->data[0] == 8 && event->data[1] == 2 ? "serving" : "not serving");
  if (event->kind == B2_END && event->status != B2_OK) fprintf(stderr, "status %u: %.*s\n", event->status, (int)event->size, (const char *)event->data);
  if (event->kind == B2_END) result = event->status == B2_OK ? 0 : 1;
  if (event->kind == B2_CLOSED && result < 0) result = 1;
}

static uint32_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)now.tv_sec * 1000u + (uint32_t)(now.tv_nsec / 1000000);
}

int main(int argc, char **argv) {
  static uint8_t input[16384], output[512];
  b2_method methods[] = {{"b2.v1.Core", "Health", B2_NO_METHOD}};
  b2_config config = {"health", 0, input, sizeof input, output, sizeof output, methods, 1, on_event, NULL};
  struct sockaddr_in at = {0};
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  b2_client client;
  uint32_t call = 0;

  at.sin_family = AF_INET;
  at.sin_port = htons((uint16_t)(argc == 3 ? atoi(argv[2]) : 0));
  if (argc != 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) return fprintf(stderr, "health ADDRESS PORT\n"), 2;
  if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) return perror(argv[1]), 1;

  config.epoch = (uint32_t)time(NULL);
  b2_open(&client, &config, milliseconds());
  while (result < 0) {
    uint8_t *space;
    const uint32_t room = b2_room(&client, &space);
    struct pollfd wait = {fd, 0, 0};
    wait.events = (short)((room != 0 ? POLLIN : 0) | (client.out_used != 0 ? POLLOUT : 0));
    if (poll(&wait, 1, 1000) < 0) break;
    b2_tick(&client, milliseconds());
    if ((wait.revents & POLLOUT) != 0) {
      const ssize_t sent = write(fd, output, client.out_used);
      if (sent > 0) b2_sent(&client, (uint32_t)sent);
    } else if (wait.revents != 0) {
      const ssize_t came = read(fd, space, room);
      if (came > 0) b2_received(&client, (uint32_t)came);
      else b2_lost(&client);
    }
    if (call == 0) call = b2_call(&client, 0, "", 0, 5000);
  }
  close(fd);
  return result < 0 ? 1 : result;
}
