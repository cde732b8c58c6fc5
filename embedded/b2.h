/* The smallest b2 client (docs/spec/b2.md): C99, no heap, nothing of the C library but memcpy. Bytes come in by the caller's reads and leave by its
 * writes, time comes in by b2_tick(); so it runs on a socket, a serial line or a test's array alike. Not for several threads.
 *
 * It makes unary calls and reads server streams; it serves nothing. */
#ifndef GHOSTLIGHT_EMBEDDED_B2_H
#define GHOSTLIGHT_EMBEDDED_B2_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  B2_STREAMS = 4,           /* calls open at the same time */
  B2_SMALLEST_INPUT = 4176, /* the smallest input buffer: a frame of 4,096 bytes, its header and extensions */
  B2_SMALLEST_OUTPUT = 256  /* and output buffer; a request must fit into what is free of it */
};

/* Statuses of calls and connections (§5). */
enum { B2_OK = 0, B2_CANCELLED = 1, B2_UNKNOWN = 2, B2_MALFORMED = 3, B2_TIMED_OUT = 4, B2_EXHAUSTED = 8, B2_UNSUPPORTED = 12, B2_BUSY = 14 };

/* A method to be called. `index` is filled in by the server's HELLO; B2_NO_METHOD while it does not serve it. */
enum { B2_NO_METHOD = -1 };
typedef struct {
  const char *service; /* "b2.v1.Core" */
  const char *name;    /* "Health" */
  int32_t index;
} b2_method;

typedef enum {
  B2_READY,   /* the server has said HELLO: calls may be made */
  B2_PART,    /* `data` is the next part of a message; more of it follows */
  B2_MESSAGE, /* `data` is a message, or its last part */
  B2_END,     /* the call on `stream` has ended with `status`; of a failure `data` says why, in UTF-8. Parts before a failure are to be dropped */
  B2_CLOSED   /* the connection is over, with `status`; send what is left of the output and close */
} b2_kind;

typedef struct {
  b2_kind kind;
  uint32_t stream;
  uint16_t status;
  const uint8_t *data; /* valid during the call of on_event */
  uint32_t size;
} b2_event;

/* What the caller has to set before b2_open(). What it points to outlives the client. */
typedef struct {
  const char *name;  /* of this client, for people; at most 100 bytes */
  uint32_t epoch;    /* differs at every start of the device: a counter kept in flash, a random number */
  uint8_t *input;    /* frames are put together here: HELLO of the server must fit, about 100 bytes a service and 20 a method */
  uint32_t input_size;
  uint8_t *output;
  uint32_t output_size;
  b2_method *methods;
  uint32_t method_count;
  void (*on_event)(void *user, const b2_event *event); /* must not call b2_open(), b2_received() or b2_lost() */
  void *user;
} b2_config;

typedef struct {
  uint32_t id; /* 0: free */
  uint32_t deadline, timed;
  int32_t send_window, receive_window, used;
} b2_stream;

/* The state of one connection. Its fields are for b2.c, but for those named in the functions below. */
typedef struct {
  b2_config config;
  uint32_t in_used, out_used;
  uint32_t state;
  int32_t window, send_window, receive_window, used;
  uint32_t version, peer[3];
  uint32_t last_mine, last_theirs;
  uint32_t now, begun, heard, pinged, tokens_at;
  int32_t tokens;
  b2_stream streams[B2_STREAMS];
} b2_client;

/* Begins a connection: preface and HELLO stand in the output. `now` is in milliseconds on a clock that may wrap. */
void b2_open(b2_client *client, const b2_config *config, uint32_t now);

/* Where bytes that are received go, and how many have room; 0 while the output is full. Then b2_received() with how many came. */
uint32_t b2_room(const b2_client *client, uint8_t **at);
void b2_received(b2_client *client, uint32_t bytes);

/* The output: `client->out_used` bytes at `client->config.output` wait to be sent. b2_sent() with how many were. */
void b2_sent(b2_client *client, uint32_t bytes);

/* Deadlines, PING, silence: at least every second. */
void b2_tick(b2_client *client, uint32_t now);

/* Calls methods[method] with a request of protobuf bytes. Gives the stream of the events to come; 0 when it cannot be called now: not
 * ready, four calls open, no credit or no room in the output; try again after the next bytes have come or left.
 * timeout_ms: 0 for none. */
uint32_t b2_call(b2_client *client, uint32_t method, const void *request, uint32_t size, uint32_t timeout_ms);

/* Whether such a request could ever be sent to this server by one frame; ask when b2_call() gives 0. */
int b2_fits(const b2_client *client, uint32_t size);

/* Gives a call up: B2_END comes with B2_CANCELLED. */
void b2_cancel(b2_client *client, uint32_t stream);

/* Calls may be made: the server has said HELLO, and no GOAWAY. */
int b2_ready(const b2_client *client);

/* The transport is gone: open calls end with B2_UNKNOWN, then B2_CLOSED. */
void b2_lost(b2_client *client);

#ifdef __cplusplus
}
#endif
#endif
