#include "b2.h"

#include <string.h> /* memcpy */

enum { HELLO = 1, HELLO_UPDATE, CALL, DATA, RESP, CREDIT, CANCEL, PING, PONG, GOAWAY, UPGRADE };
enum { END = 1, MORE = 2, COMPRESSED = 4, META = 8 };
enum { HEADER = 16, MOST_EXTENSIONS = 64, LEAST_LIMIT = 4096, DEFAULT_LIMIT = 65536 };
enum { PREFACE_STATE, HELLO_STATE, READY_STATE, LEAVING_STATE, CLOSED_STATE };
enum { HELLO_PATIENCE = 10000, PING_AFTER = 15000, PING_PATIENCE = 10000, BURST = 1000, TOKENS_A_SECOND = 33 };
enum { ANY = 0xff };
enum { ANSWERS = 64 }; /* bytes of output that one frame's answers take at most */

/* Preface, HELLO's header, and HELLO but for numbers and the name. A limit takes five bytes whatever it is, so that nothing moves. */
enum { EPOCH_AT = 23, LIMITS_AT = 33, NAME_AT = 52, HELLO_SIZE = NAME_AT - 20 };
static const uint8_t HELLO_TEMPLATE[NAME_AT] = {'b', '2', '\r', '\n', 0, 0, 0, HELLO, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 << 3, 1, 4 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0,
                                                6 << 3 | 2, 18, 1 << 3, 0, 0, 0, 0, 0, 5 << 3, 0, 0, 0, 0, 0, 6 << 3, 0, 0, 0, 0, 0, 3 << 3 | 2};

/* A macro: compilers make one instruction of it, where it is used. */
#define GET32(at) ((uint32_t)(at)[0] | (uint32_t)(at)[1] << 8 | (uint32_t)(at)[2] << 16 | (uint32_t)(at)[3] << 24)

static void put32(uint8_t *at, uint32_t value) {
  int i;
  for (i = 0; i < 4; ++i, value >>= 8) at[i] = (uint8_t)value;
}

static void move_down(uint8_t *to, const uint8_t *from, uint32_t bytes) {
  while (bytes-- != 0) *to++ = *from++;
}

static uint32_t text_size(const char *text) {
  uint32_t size = 0;
  while (text[size] != 0) ++size;
  return size;
}

static void tell(b2_client *c, b2_kind kind, uint32_t stream, uint32_t status, const uint8_t *data, uint32_t size) {
  b2_event event;
  event.kind = kind;
  event.stream = stream;
  event.status = (uint16_t)status;
  event.data = data;
  event.size = size;
  c->config.on_event(c->config.user, &event);
}

/* ---- output ---- */

static uint32_t free_output(const b2_client *c) { return c->config.output_size - c->out_used; }

/* A frame's header, with the connection credit that is due; gives where its `rest` bytes, extensions and payload, go. `third` is the
 * header's third word: flags, ext length and code. The caller has seen that there is room. */
static uint8_t *put_frame(b2_client *c, uint32_t type, uint32_t stream, uint32_t third, uint32_t rest) {
  uint8_t *at = c->config.output + c->out_used;
  put32(at, (rest - (third >> 8 & 0xff) * 4) | type << 24);
  put32(at + 4, stream);
  put32(at + 8, third);
  put32(at + 12, (uint32_t)c->used);
  c->receive_window += c->used;
  c->used = 0;
  c->out_used += HEADER + rest;
  return at + HEADER;
}

static void put_word(b2_client *c, uint32_t type, uint32_t stream, uint32_t third, uint32_t word) { put32(put_frame(c, type, stream, third, 4), word); }

static void end_call(b2_client *c, b2_stream *stream, uint32_t status, const uint8_t *why, uint32_t size) {
  const uint32_t id = stream->id;
  stream->id = 0;
  tell(c, B2_END, id, status, why, size);
}

/* Every open call beyond `last` ends. */
static void end_calls(b2_client *c, uint32_t last, uint32_t status) {
  int i;
  for (i = 0; i < B2_STREAMS; ++i) {
    if (c->streams[i].id > last) end_call(c, &c->streams[i], status, 0, 0);
  }
}

static void closed(b2_client *c, uint32_t status) {
  if (c->state == CLOSED_STATE) return;
  c->state = CLOSED_STATE;
  end_calls(c, 0, B2_UNKNOWN);
  tell(c, B2_CLOSED, 0, status, 0, 0);
}

/* A broken rule. */
static void die(b2_client *c, uint32_t status) {
  if (c->state == CLOSED_STATE) return;
  if (free_output(c) >= HEADER + 4) put_word(c, GOAWAY, 0, status << 16, c->last_theirs);
  closed(c, status);
}

/* ---- protobuf ---- */

typedef struct {
  const uint8_t *at, *end; /* at is beyond end once something was malformed */
} reader;

typedef struct {
  uint32_t number, value;
  reader inside; /* of numbers: nothing */
} field;

static uint32_t read_varint(reader *in) {
  uint32_t value = 0, shift;
  for (shift = 0; shift < 70 && in->at < in->end; shift += 7) {
    const uint8_t byte = *in->at++;
    if (shift < 32) value |= (uint32_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  in->at = in->end + 1;
  return 0;
}

/* The next field; 0 at the end, or when what follows is none. */
static int read_field(reader *in, field *out) {
  uint32_t size = 0;
  if (in->at >= in->end) return 0;
  out->value = read_varint(in);
  out->number = out->value >> 3;
  switch (out->value & 7) {
    case 0: out->value = read_varint(in); break;
    case 1: size = 8; break;
    case 2: size = read_varint(in); break;
    case 5: size = 4; break;
    default: out->number = 0;
  }
  out->inside.at = in->at;
  if (out->number == 0 || in->at > in->end || size > (uint32_t)(in->end - in->at)) {
    in->at = in->end + 1;
    return 0;
  }
  out->inside.end = in->at += size;
  return 1;
}

static int is_text(const reader *text, const char *wanted) {
  const uint8_t *at = text->at;
  while (at != text->end && *wanted != 0 && *at == (uint8_t)*wanted) ++at, ++wanted;
  return at == text->end && *wanted == 0;
}

/* ServiceEntry: fills in the indexes of the methods asked for; 0 when it is none. Its fields may come in any order, so it is read twice. */
static int learn_service(b2_client *c, const reader *entry) {
  field f, g;
  reader in = *entry, service = {0, 0};
  int32_t index = 0;
  uint32_t i;
  while (read_field(&in, &f)) {
    if (f.number == 1) service = f.inside;
    if (f.number == 4) index = (int32_t)f.value;
  }
  for (i = 0; i < c->config.method_count; ++i) {
    b2_method *const method = &c->config.methods[i];
    int32_t number = index;
    if (!is_text(&service, method->service)) continue;
    method->index = B2_NO_METHOD;
    for (in = *entry; read_field(&in, &f);) {
      if (f.number != 7) continue;
      while (read_field(&f.inside, &g)) {
        if (g.number == 1 && is_text(&g.inside, method->name)) method->index = number;
      }
      ++number;
    }
  }
  return in.at == in.end;
}

/* Hello, or an update of it; 0 when it is none. */
static int read_hello(b2_client *c, reader *hello) {
  field f, g;
  while (read_field(hello, &f)) {
    if (f.number == 1) c->version = f.value;
    if (f.number == 2 && f.inside.at != f.inside.end && f.inside.end - f.inside.at != 32) return 0;
    if (f.number == 8 && !learn_service(c, &f.inside)) return 0;
    while (f.number == 6 && read_field(&f.inside, &g)) {
      /* frame_bytes, connection_window, stream_window */
      const uint32_t slot = g.number == 1 ? 0 : g.number == 4 ? 3 : g.number - 4;
      if (slot >= 3 || g.value == 0) continue;
      if (g.value < LEAST_LIMIT || g.value > 0x7fffffff) return 0;
      c->peer[slot] = g.value;
    }
    if (f.inside.at > f.inside.end) return 0;
  }
  return hello->at == hello->end;
}

/* ---- input ---- */

typedef struct {
  const uint8_t *begin, *payload;
  uint32_t type, size, stream;
} frame;

static b2_stream *find(b2_client *c, uint32_t id) {
  int i;
  for (i = 0; i < B2_STREAMS; ++i) {
    if (c->streams[i].id == id) return &c->streams[i];
  }
  return 0;
}

/* The functions below give the status that ends the connection, or 0. */

static uint32_t grow(int32_t *window, uint32_t credit) {
  if (credit > 0x7fffffffu - (uint32_t)*window) return B2_MALFORMED;
  *window += (int32_t)credit;
  return 0;
}

static uint32_t on_hello(b2_client *c, reader *payload) {
  uint32_t i;
  for (i = 0; i < c->config.method_count; ++i) c->config.methods[i].index = B2_NO_METHOD;
  for (i = 0; i < 3; ++i) c->peer[i] = DEFAULT_LIMIT;
  if (!read_hello(c, payload)) return B2_MALFORMED;
  if (c->version != 1) return B2_UNSUPPORTED;
  c->state = READY_STATE;
  tell(c, B2_READY, 0, 0, 0, 0);
  return grow(&c->send_window, c->peer[1]);
}

/* Takes a payload off the windows. */
static uint32_t account(b2_client *c, b2_stream *stream, uint32_t size) {
  c->receive_window -= (int32_t)size;
  c->used += (int32_t)size;
  if (stream != 0) stream->receive_window -= (int32_t)size;
  return c->receive_window >= 0 && (stream == 0 || stream->receive_window >= 0) ? 0 : B2_EXHAUSTED;
}

static void give_up(b2_client *c, b2_stream *stream, uint32_t status) {
  if (free_output(c) < HEADER) return;
  put_frame(c, CANCEL, stream->id, (status == B2_TIMED_OUT ? 4u : 1u) << 16, 0);
  end_call(c, stream, status, 0, 0);
}

/* DATA and RESP on a stream of ours. */
static uint32_t on_answer(b2_client *c, const frame *f, b2_stream *stream) {
  const uint8_t *data = f->payload;
  const uint32_t code = f->begin[11] != 0 ? B2_UNKNOWN : f->begin[10];
  uint32_t size = f->size;
  if (f->type == RESP && code != 0) {
    end_call(c, stream, code > 16 ? B2_UNKNOWN : code, data, size);
    return 0;
  }
  if ((f->begin[8] & COMPRESSED) != 0) {
    give_up(c, stream, B2_UNSUPPORTED);
    return 0;
  }
  if (f->type == RESP && (f->begin[8] & META) != 0) {
    const uint32_t metadata = size < 2 ? 0xffff : 2 + ((uint32_t)data[0] | (uint32_t)data[1] << 8);
    if (metadata > size) return B2_MALFORMED;
    data += metadata;
    size -= metadata;
  }
  if (f->type == DATA || (f->begin[8] & END) == 0) tell(c, f->type == DATA && (f->begin[8] & MORE) != 0 ? B2_PART : B2_MESSAGE, f->stream, 0, data, size);
  if (stream->id != f->stream) return 0; /* given up meanwhile */
  if (f->type == RESP) {
    end_call(c, stream, B2_OK, 0, 0);
    return 0;
  }
  stream->used += (int32_t)f->size;
  if (stream->used >= c->window / 2) {
    put_word(c, CREDIT, f->stream, 0, (uint32_t)stream->used);
    stream->receive_window += stream->used;
    stream->used = 0;
  }
  return 0;
}

/* What a header alone says. */
static uint32_t judge(const b2_client *c, const frame *f) {
  static const uint8_t sizes[] = {ANY, ANY, ANY, ANY, ANY, ANY, 4, 0, 8, 8, ANY}; /* of payloads, by type */
  enum { ON_CONNECTION = 1 << HELLO | 1 << HELLO_UPDATE | 1 << PING | 1 << PONG | 1 << GOAWAY };
  uint32_t size;
  if (f->size > (uint32_t)c->window || f->payload - f->begin > HEADER + MOST_EXTENSIONS) return B2_EXHAUSTED;
  if (c->state == HELLO_STATE ? f->type != HELLO && f->type != GOAWAY : f->type == HELLO) return B2_MALFORMED;
  if (f->type > GOAWAY || f->type == 0) return (f->type & 0x80) != 0 ? B2_UNSUPPORTED : 0;
  size = sizes[f->type];
  if (f->type == CREDIT) {
    if (f->stream == 0) size = 0;
  } else if ((f->stream == 0) != (ON_CONNECTION >> f->type & 1)) {
    return B2_MALFORMED;
  }
  return (size != ANY && f->size != size) || (f->type == GOAWAY && f->size < 4) ? B2_MALFORMED : 0;
}

static uint32_t on_frame(b2_client *c, const frame *f) {
  enum { COSTLY = 1 << CALL | 1 << CANCEL | 1 << PING };
  const int mine = (f->stream & 1) != 0;
  b2_stream *stream = mine ? find(c, f->stream) : 0;
  const uint32_t code = GET32(f->begin + 8) >> 16;
  uint32_t status = grow(&c->send_window, GET32(f->begin + 12));
  reader hello;
  hello.at = f->payload;
  hello.end = f->payload + f->size;
  if (f->type > GOAWAY) return status;
  if (f->type > CALL && f->type <= CANCEL && f->stream > (mine ? c->last_mine : c->last_theirs)) status = B2_MALFORMED; /* never opened */
  if (status == 0 && f->type >= CALL && f->type <= RESP) status = account(c, stream, f->size);
  /* Calls from the server, CANCEL, PING, and DATA that carries nothing. */
  if (status == 0 && (1u << f->type & (f->size == 0 ? COSTLY | 1 << DATA : COSTLY)) != 0 && c->tokens-- <= 0) status = B2_EXHAUSTED;
  if (status != 0) return status;
  switch (f->type) {
    case HELLO: return on_hello(c, &hello);
    case HELLO_UPDATE: return read_hello(c, &hello) ? 0 : B2_MALFORMED;
    case CALL:
      if (mine || f->stream <= c->last_theirs) return B2_MALFORMED;
      c->last_theirs = f->stream;
      put_frame(c, RESP, f->stream, B2_UNSUPPORTED << 16, 0);
      break;
    case DATA:
    case RESP:
      if (!mine && f->type == RESP) return B2_MALFORMED;
      if (stream != 0) return on_answer(c, f, stream);
      break;
    case CREDIT:
      if (stream != 0) return grow(&stream->send_window, GET32(f->payload));
      break;
    case CANCEL:
      if (stream != 0) return B2_MALFORMED;
      break;
    case PING: memcpy(put_frame(c, PONG, 0, 0, 8), f->payload, 8); break;
    case GOAWAY:
      c->state = LEAVING_STATE;
      end_calls(c, GET32(f->payload), B2_BUSY);
      if (code != 0) closed(c, code);
      break;
    default: break;
  }
  return 0;
}

/* Takes whole frames off the input, as long as the output has room for what they may be answered by. */
static void work(b2_client *c) {
  uint8_t *const input = c->config.input;
  uint32_t at = 0, status = 0;
  if (c->state == PREFACE_STATE) {
    if (c->in_used < 4) return;
    if (GET32(input) != GET32(HELLO_TEMPLATE)) status = B2_MALFORMED;
    c->state = HELLO_STATE;
    at = 4;
  }
  while (status == 0 && c->state != CLOSED_STATE && c->in_used - at >= HEADER && free_output(c) >= ANSWERS) {
    frame f;
    uint32_t end;
    f.begin = input + at;
    f.type = f.begin[3];
    f.size = GET32(f.begin) & 0xffffff;
    f.stream = GET32(f.begin + 4);
    f.payload = f.begin + HEADER + 4 * f.begin[9];
    end = (uint32_t)(f.payload - input) + f.size;
    status = judge(c, &f);
    if (status == 0) {
      if (end > c->in_used) break;
      at = end;
      status = on_frame(c, &f);
      if (c->state != CLOSED_STATE && c->used >= c->window / 2) put_frame(c, CREDIT, 0, 0, 0);
    }
  }
  if (status != 0) die(c, status);
  if (at == 0) return;
  c->in_used -= at;
  move_down(input, input + at, c->in_used);
}

/* ---- for the caller ---- */

void b2_open(b2_client *c, const b2_config *config, uint32_t now) {
  uint8_t *const out = config->output, *at;
  const uint32_t name = text_size(config->name);
  uint32_t i, shift;
  for (i = 0; i < sizeof *c; ++i) ((uint8_t *)c)[i] = 0;
  c->config = *config;
  c->now = c->begun = c->heard = c->tokens_at = now;
  c->tokens = BURST;
  c->receive_window = c->window = (int32_t)(config->input_size - HEADER - MOST_EXTENSIONS);
  memcpy(out, HELLO_TEMPLATE, NAME_AT);
  out[4] = (uint8_t)(HELLO_SIZE + 1 + name);
  put32(out + EPOCH_AT, config->epoch);
  for (at = out + LIMITS_AT; at < out + NAME_AT - 1; ++at) {
    for (++at, shift = 0; shift < 28; shift += 7) *at++ = (uint8_t)((uint32_t)c->window >> shift | 0x80);
  }
  out[NAME_AT] = (uint8_t)name;
  memcpy(out + NAME_AT + 1, config->name, name);
  c->out_used = NAME_AT + 1 + name;
}

uint32_t b2_room(const b2_client *c, uint8_t **at) {
  *at = c->config.input + c->in_used;
  return c->state == CLOSED_STATE || free_output(c) < ANSWERS ? 0 : c->config.input_size - c->in_used;
}

void b2_received(b2_client *c, uint32_t bytes) {
  if (bytes == 0) return;
  c->heard = c->now;
  c->pinged = 0;
  c->in_used += bytes;
  work(c);
}

void b2_sent(b2_client *c, uint32_t bytes) {
  c->out_used -= bytes;
  move_down(c->config.output, c->config.output + bytes, c->out_used);
  if (c->state != CLOSED_STATE) work(c);
}

void b2_tick(b2_client *c, uint32_t now) {
  const uint32_t seconds = (now - c->tokens_at) / 1000;
  const int ready = c->state >= READY_STATE;
  int i;
  c->now = now;
  if (c->state == CLOSED_STATE) return;
  c->tokens_at += seconds * 1000;
  c->tokens += TOKENS_A_SECOND * (int32_t)seconds;
  if (c->tokens > BURST) c->tokens = BURST;
  for (i = 0; i < B2_STREAMS; ++i) {
    b2_stream *stream = &c->streams[i];
    if (stream->id != 0 && stream->timed && (int32_t)(now - stream->deadline) >= 0) give_up(c, stream, B2_TIMED_OUT);
  }
  if (now - (ready ? c->heard : c->begun) < (ready ? PING_AFTER + c->pinged : HELLO_PATIENCE)) return;
  if (!ready || c->pinged != 0) {
    die(c, B2_TIMED_OUT);
  } else if (free_output(c) >= HEADER + 8) {
    memcpy(put_frame(c, PING, 0, 0, 8), "b2 alive", 8);
    c->pinged = PING_PATIENCE;
  }
}

int b2_fits(const b2_client *c, uint32_t size) { return size <= c->peer[0] && size <= c->peer[2] && size + HEADER + 8 <= c->config.output_size; }

uint32_t b2_call(b2_client *c, uint32_t method, const void *request, uint32_t size, uint32_t timeout_ms) {
  const uint32_t words = timeout_ms != 0 ? 2 : 0;
  b2_stream *stream = find(c, 0);
  uint8_t *at;
  if (c->state != READY_STATE || stream == 0 || method >= c->config.method_count || c->config.methods[method].index < 0 || c->last_mine >= 0xfffffff0u) return 0;
  if (!b2_fits(c, size) || (int32_t)size > c->send_window || size + HEADER + 8 > free_output(c)) return 0;
  c->last_mine += c->last_mine == 0 ? 1 : 2;
  stream->id = c->last_mine;
  stream->timed = timeout_ms;
  stream->deadline = c->now + timeout_ms;
  stream->used = 0;
  stream->receive_window = c->window;
  stream->send_window = (int32_t)(c->peer[2] - size);
  c->send_window -= (int32_t)size;
  at = put_frame(c, CALL, stream->id, END | words << 8 | (uint32_t)c->config.methods[method].index << 16, 4 * words + size);
  if (words != 0) {
    put32(at, 0x0401 | timeout_ms << 16);
    put32(at + 4, timeout_ms >> 16);
    at += 8;
  }
  memcpy(at, request, size);
  return stream->id;
}

void b2_cancel(b2_client *c, uint32_t id) {
  b2_stream *stream = id != 0 ? find(c, id) : 0;
  if (stream != 0) give_up(c, stream, B2_CANCELLED);
}

int b2_ready(const b2_client *c) { return c->state == READY_STATE; }

void b2_lost(b2_client *c) { closed(c, B2_BUSY); }
