/*
 * The connection with the engine: takes frames apart, gives each request to its handler, sends replies as they are
 * finished. A generation number keeps the late reply to a dead engine from reaching its successor.
 */
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher.h"

/* Requests in work or with an unsent reply; at this many we stop reading, which is the engine's back-pressure. */
#define MAX_IN_WORK 256

enum style { NONE, INLINE, THREAD, PARKED };

static const struct operation {
  void (*handle)(struct request *request);
  enum style style;
} operations[] = {
    [LAUNCHER_MOUNT] = {handle_mount, THREAD},
    [LAUNCHER_BIND] = {handle_bind, THREAD},
    [LAUNCHER_UNMOUNT] = {handle_unmount, THREAD},
    [LAUNCHER_CREATE_NETNS] = {handle_create_netns, THREAD},
    [LAUNCHER_DELETE_NETNS] = {handle_delete_netns, THREAD},
    [LAUNCHER_NETLINK] = {handle_netlink, THREAD},
    [LAUNCHER_NFT] = {handle_nft, THREAD},
    [LAUNCHER_SPAWN] = {handle_spawn, THREAD},
    [LAUNCHER_RUN] = {handle_run, THREAD},
    [LAUNCHER_KEEP] = {handle_keep, INLINE},
    [LAUNCHER_RELEASE] = {handle_release, INLINE},
    [LAUNCHER_HOLD_PORT] = {handle_hold_port, INLINE},
    [LAUNCHER_HELD_PORTS] = {handle_held_ports, INLINE},
    [LAUNCHER_WATCH] = {handle_watch, PARKED},
    [LAUNCHER_UNWATCH] = {handle_unwatch, INLINE},
    [LAUNCHER_READY] = {handle_ready, INLINE},
};

static void on_channel(struct source *source, uint32_t events);
static void on_finished(struct source *source, uint32_t events);
static struct source channel_source = {on_channel}, finished_source = {on_finished};

static int channel = -1, finished_event;
static uint32_t generation, interest;
static unsigned in_work;
static void (*on_lost)(void);

static uint8_t header[LAUNCHER_HEADER_SIZE];
static size_t received; /* of the frame that is arriving, header included */
static struct request *arriving;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct request *first_reply, **last_reply = &first_reply; /* under `lock` */

void channel_init(void (*lost)(void)) {
  on_lost = lost;
  finished_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (finished_event < 0) die("eventfd");
  loop_add(finished_event, &finished_source, EPOLLIN);
}

void channel_open(int fd) {
  channel = fd;
  generation++;
  interest = EPOLLIN;
  loop_add(channel, &channel_source, interest);
}

void channel_close(void) {
  if (channel < 0) return;
  loop_close(channel);
  channel = -1;
  if (arriving) request_free(arriving);
  arriving = NULL;
  received = 0;
}

static void lose(void) {
  channel_close();
  on_lost();
}

/* Listens for what can go on: requests while there is room for them, writability while a reply waits for it. */
static void update_interest(bool blocked) {
  uint32_t wanted = (in_work < MAX_IN_WORK ? EPOLLIN : 0) | (blocked ? EPOLLOUT : 0);
  if (channel < 0 || wanted == interest) return;
  interest = wanted;
  loop_change(channel, &channel_source, interest);
}

void request_finish(struct request *request) {
  if (request->malformed) fail(request, EBADMSG, "malformed fields in a request %u of the engine", request->op);
  reply_seal(request);
  uint64_t one = 1;
  pthread_mutex_lock(&lock);
  request->next = NULL;
  *last_reply = request;
  last_reply = &request->next;
  pthread_mutex_unlock(&lock);
  if (write(finished_event, &one, sizeof one) < 0) die("eventfd");
}

void request_park(void) { in_work--; }

void request_resume(struct request *request) {
  in_work++;
  request_finish(request);
}

static struct request *oldest_reply(void) {
  pthread_mutex_lock(&lock);
  struct request *request = first_reply;
  pthread_mutex_unlock(&lock);
  return request;
}

static void drop_oldest_reply(void) {
  pthread_mutex_lock(&lock);
  struct request *request = first_reply;
  first_reply = request->next;
  if (!first_reply) last_reply = &first_reply;
  pthread_mutex_unlock(&lock);
  request_free(request);
  in_work--;
}

/* Sends what is finished. Gives false when the engine is gone. */
static bool send_replies(void) {
  bool blocked = false;
  struct request *request;
  while (!blocked && (request = oldest_reply())) {
    if (channel >= 0 && request->generation == generation) {
      ssize_t sent = send(channel, request->reply + request->sent, request->reply_length - request->sent,
                          MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent > 0) request->sent += (size_t)sent;
      blocked = request->sent < request->reply_length;
    }
    if (!blocked) drop_oldest_reply();
  }
  update_interest(blocked);
  return true;
}

static void on_finished(struct source *source, uint32_t events) {
  (void)source, (void)events;
  uint64_t count;
  if (read(finished_event, &count, sizeof count) < 0 && errno != EAGAIN) die("eventfd");
  if (!send_replies()) lose();
}

static void *work(void *argument) {
  struct request *request = argument;
  operations[request->op].handle(request);
  request_finish(request);
  return NULL;
}

static void dispatch(struct request *request) {
  const struct operation *operation = &operations[0];
  if (request->op < sizeof operations / sizeof *operations) operation = &operations[request->op];
  in_work++;
  reply_start(request, 0);
  if (operation->style == PARKED) {
    operation->handle(request);
  } else if (operation->style == THREAD) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, work, request);
    if (!error) {
      pthread_detach(thread);
      return;
    }
    fail(request, error, "a thread for the request");
    request_finish(request);
  } else {
    if (operation->style == INLINE) operation->handle(request);
    else fail(request, ENOSYS, "operation %u", request->op);
    request_finish(request);
  }
}

/* Reads the header's fields. Gives NULL for a frame that we cannot take. */
static struct request *new_request(void) {
  uint16_t version, op;
  uint32_t id, length;
  memcpy(&version, header, sizeof version);
  memcpy(&op, header + 2, sizeof op);
  memcpy(&id, header + 4, sizeof id);
  memcpy(&length, header + 8, sizeof length);
  if (le16toh(version) != LAUNCHER_VERSION || le32toh(length) > LAUNCHER_MAX_PAYLOAD) return NULL;
  struct request *request = grow(NULL, sizeof *request);
  *request = (struct request){.generation = generation, .id = le32toh(id), .op = le16toh(op)};
  request->payload = request->at = grow(NULL, le32toh(length) + 1u);
  request->end = request->payload + le32toh(length);
  return request;
}

/* Takes in what has come, up to the end of one frame. Gives false when the connection is over. */
static bool receive(void) {
  bool in_header = received < sizeof header;
  size_t in_payload = received - sizeof header;
  uint8_t *to = in_header ? header + received : arriving->payload + in_payload;
  size_t wanted = in_header ? sizeof header - received : (size_t)(arriving->end - to);
  if (wanted) {
    ssize_t length = recv(channel, to, wanted, MSG_DONTWAIT);
    if (length <= 0) return length < 0 && (errno == EAGAIN || errno == EINTR);
    received += (size_t)length;
  }
  if (received == sizeof header && !arriving && !(arriving = new_request())) return false;
  if (arriving && arriving->payload + (received - sizeof header) == arriving->end) {
    struct request *request = arriving;
    arriving = NULL;
    received = 0;
    dispatch(request);
  }
  return true;
}

static void on_channel(struct source *source, uint32_t events) {
  (void)source;
  bool alive = true;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) alive = receive();
  if (alive) alive = send_replies();
  if (!alive) lose();
}
