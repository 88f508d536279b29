/* Signals of the host: none of its handlers runs on a thread of the library. */
#include "suite.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static atomic_int handled, elsewhere;
static pid_t own;

static void handler(int number) {
  (void)number;
  handled++;
  if (syscall(SYS_gettid) != own) elsewhere++;
}

static void handle(int number) {
  struct sigaction action = {0};
  action.sa_handler = handler;
  own = (pid_t)syscall(SYS_gettid);
  CHECK(sigaction(number, &action, NULL) == 0);
}

static void mask(int how, int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  CHECK(pthread_sigmask(how, &set, NULL) == 0);
}

static atomic_int events;
static void on_event(void *user_data, int32_t kind, const char *json, size_t len) {
  (void)user_data, (void)kind, (void)json, (void)len;
  events++;
}

/* Every thread but this one, by the masks that the system shows. Signals of a thread's own faults are excluded. */
static int threads_that_hear(void) {
  int hear = 0;
  DIR *folder = opendir("/proc/self/task");
  for (struct dirent *entry; (entry = readdir(folder));) {
    char path[300], line[200];
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == own) continue;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
      unsigned long long blocked = 0;
      if (sscanf(line, "SigBlk: %llx", &blocked) != 1) continue;
      const int wanted[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGWINCH, SIGIO, SIGRTMIN, SIGRTMAX};
      for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) hear += !(blocked >> (wanted[i] - 1) & 1);
    }
    if (file) fclose(file);
  }
  closedir(folder);
  return hear;
}

/* Like a host with signalfd or sigwait: blocks a signal after creating the engine, in its own threads only. */
CASE(signals_stay_with_the_host) {
  handle(SIGUSR1);
  opnode_hooks hooks = {.struct_size = sizeof hooks, .event = on_event};
  opnode_engine *it = hooked(",\"threads\":4", &hooks);
  opnode_conn *conn = shop(it);
  mask(SIG_BLOCK, SIGUSR1);
  for (int i = 0; i < 20; i++) {
    sigset_t waiting;
    free(run(conn, i % 2 ? GOODS(30, "") : "{\"method\":\"selftest\",\"selftest\":{\"log\":3}}", OPNODE_OK));
    CHECK(kill(getpid(), SIGUSR1) == 0);
    /* No handler received it. */
    CHECK(sigpending(&waiting) == 0 && sigismember(&waiting, SIGUSR1));
    CHECK(threads_that_hear() == 0);
  }
  CHECK(handled == 0);
  leave(it, conn);
  mask(SIG_UNBLOCK, SIGUSR1);
  CHECK(handled == 1 && elsewhere == 0);
}

static atomic_int over;

static void *sends(void *unused) {
  (void)unused;
  mask(SIG_BLOCK, SIGUSR1);
  while (!over) {
    kill(getpid(), SIGUSR1);
    sched_yield();
  }
  return NULL;
}

/* From the first instruction of each thread: signals arrive all the time while engines start and end. */
CASE(signals_while_engines_start) {
  pthread_t thread;
  handle(SIGUSR1);
  CHECK(pthread_create(&thread, NULL, sends, NULL) == 0);
  opnode_hooks hooks = {.struct_size = sizeof hooks, .event = on_event};
  for (int i = 0; i < 40; i++) {
    opnode_engine *it = hooked(",\"threads\":4", &hooks);
    opnode_conn *conn = shop(it);
    /* Name look-ups run on threads that start on demand. */
    opnode_buf *buf = NULL;
    opnode_run(conn, "{\"method\":\"query\",\"operationId\":\"getStatus\"}", OPNODE_NTS, FOREVER, &buf, NULL);
    if (buf) IS(OPNODE_OK, opnode_buf_free(buf));
    IS(OPNODE_OK, opnode_conn_free(conn));
    finish(it);
  }
  over = 1;
  pthread_join(thread, NULL);
  CHECK(handled > 0 && elsewhere == 0);
}

/* Calls that start threads do not change the host's own mask. */
CASE(signals_of_the_host_do_not_change) {
  sigset_t before, after;
  mask(SIG_BLOCK, SIGUSR2);
  CHECK(pthread_sigmask(SIG_SETMASK, NULL, &before) == 0);
  opnode_engine *it = engine(",\"tokens\":{\"file\":\"tokens/tokens.json\"}");
  opnode_conn *conn = NULL;
  char spec[500];
  const char *form = "{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"%s\",\"user\":\"robot\",\"apiKey\":\"open-sesame\"},\"tokens\":{\"access_token\":\"a\"}}";
  snprintf(spec, sizeof spec, form, env("SHOP"));
  if (opnode_conn_open(it, spec, OPNODE_NTS, &conn, NULL) == OPNODE_OK) IS(OPNODE_OK, opnode_conn_free(conn));
  conn = shop(it);
  free(run(conn, GOODS(3, ""), OPNODE_OK));
  CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
  for (int number = 1; number < NSIG; number++) CHECK(sigismember(&before, number) == sigismember(&after, number));
  leave(it, conn);
  mask(SIG_UNBLOCK, SIGUSR2);
}
