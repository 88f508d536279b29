/*
 * A fault injector for the tests of batch runs, loaded with LD_PRELOAD. It counts the calls with which a program changes files
 * below some folders or sends to sockets; at one of them it kills the process, or makes the call fail.
 *
 *   FAULTS_WATCH  folders, separated by colons
 *   FAULTS_LOG    a file that gets a line per counted call: number, kind, number within the kind, path; and lines `0 EVENT LENGTH PATH` from
 *                 which a test computes what would survive a power cut: `opened`, `synced` and `cut` with its length, `gone` and
 *                 `named` when it got another name
 *   FAULTS_KILL   before:N, after:N or half:N - SIGKILL at the N-th call of all; half: with half of the bytes of a write written
 *   FAULTS_FAIL   KIND:N:ERRNO - the N-th call of a kind fails once; ERRNO may be `short`: half of the bytes, and then no room; or
 *                 `FULL`: this call and all later ones of its kind fail with ENOSPC
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN, WRITE, SYNC, RENAME, TRUNCATE, UNLINK, MKDIR, SEND, KINDS };
static const char *names[KINDS] = {"open", "write", "sync", "rename", "truncate", "unlink", "mkdir", "send"};
enum act { PASS, FAIL, SHORT, HALF, AFTER };

static char watched[8][PATH_MAX];
static int watched_count;
static int log_file = -1;
static atomic_long total;
static atomic_long counts[KINDS];
static char kill_mode;
static long kill_at;
static int fail_kind = -1;
static long fail_at;
static int fail_errno;
static int fail_short;
static int fail_always;
/* The file whose next write fails with ENOSPC, after a short one. */
static atomic_int full = -1;

static int number_of(const char *name) {
    if (strcmp(name, "ENOSPC") == 0 || strcmp(name, "FULL") == 0) return ENOSPC;
    if (strcmp(name, "EROFS") == 0) return EROFS;
    return EIO;
}

__attribute__((constructor)) static void begin(void) {
    const char *watch = getenv("FAULTS_WATCH");
    char copy[8 * PATH_MAX];
    if (watch && strlen(watch) < sizeof copy) {
        strcpy(copy, watch);
        for (char *rest = copy, *part; (part = strsep(&rest, ":")) && watched_count < 8;) snprintf(watched[watched_count++], PATH_MAX, "%s", part);
    }
    const char *log = getenv("FAULTS_LOG");
    if (log) {
        int low = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        log_file = fcntl(low, F_DUPFD_CLOEXEC, 400);
        syscall(SYS_close, low);
    }
    const char *kill = getenv("FAULTS_KILL");
    if (kill && strchr(kill, ':')) {
        kill_mode = kill[0];
        kill_at = atol(strchr(kill, ':') + 1);
    }
    char name[32] = "", error[32] = "";
    const char *fail = getenv("FAULTS_FAIL");
    if (fail && sscanf(fail, "%31[^:]:%ld:%31s", name, &fail_at, error) == 3) {
        for (int kind = 0; kind < KINDS; kind++)
            if (strcmp(name, names[kind]) == 0) fail_kind = kind;
        fail_short = strcmp(error, "short") == 0;
        fail_always = strcmp(error, "FULL") == 0;
        fail_errno = number_of(error);
    }
}

static int below(const char *path) {
    for (int at = 0; at < watched_count; at++) {
        size_t length = strlen(watched[at]);
        if (strncmp(path, watched[at], length) == 0 && (path[length] == '/' || path[length] == 0)) return 1;
    }
    return 0;
}

/* The path of an open file; empty if it has none. */
static void path_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
}

static void whole(int folder, const char *name, char *path) {
    char base[PATH_MAX];
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) base[0] = 0;
    } else {
        path_of(folder, base);
    }
    snprintf(path, PATH_MAX, "%.2000s/%.2000s", base, name);
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* Counts a call and returns its fault. Kills the process at once if the fault is before the call. */
static enum act counted(enum kind kind, const char *path) {
    if (kind != SEND && !below(path)) return PASS;
    int saved = errno;
    long all = atomic_fetch_add(&total, 1) + 1;
    long own = atomic_fetch_add(&counts[kind], 1) + 1;
    if (log_file >= 0) {
        char line[PATH_MAX + 100];
        int length = snprintf(line, sizeof line, "%ld %s %ld %.3900s\n", all, names[kind], own, path);
        syscall(SYS_write, log_file, line, (size_t)length);
    }
    errno = saved;
    if (kill_at == all) {
        int is_write = kind == WRITE || kind == SEND;
        if (kill_mode == 'b' || (kill_mode == 'h' && !is_write)) die();
        return kill_mode == 'h' ? HALF : AFTER;
    }
    if (fail_kind == (int)kind && (fail_at == own || (fail_always && own > fail_at))) {
        if (fail_short) return SHORT;
        errno = fail_errno;
        return FAIL;
    }
    return PASS;
}

/* Logs the length of a file. Called before the program continues. */
static void tell(const char *event, const char *path, long length) {
    if (log_file < 0 || !below(path)) return;
    int saved = errno;
    char line[PATH_MAX + 100];
    int count = snprintf(line, sizeof line, "0 %s %ld %.3900s\n", event, length, path);
    syscall(SYS_write, log_file, line, (size_t)count);
    errno = saved;
}

/* Both names in one write: lines of other threads do not come between them. */
static void tell_renamed(const char *from, const char *to) {
    if (log_file < 0 || !below(from) || !below(to)) return;
    int saved = errno;
    static _Thread_local char lines[2 * PATH_MAX];
    int count = snprintf(lines, sizeof lines, "0 gone 0 %.3900s\n0 named 0 %.3900s\n", from, to);
    syscall(SYS_write, log_file, lines, (size_t)count);
    errno = saved;
}

static void tell_file(const char *event, int file) {
    struct stat found;
    char path[PATH_MAX];
    int saved = errno;
    path_of(file, path);
    if (syscall(SYS_fstat, file, &found) == 0 && S_ISREG(found.st_mode)) tell(event, path, (long)found.st_size);
    errno = saved;
}

static void after(enum act act) {
    if (act == AFTER || act == HALF) die();
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int is_socket(int file) {
    struct stat found;
    return syscall(SYS_fstat, file, &found) == 0 && S_ISSOCK(found.st_mode);
}

static enum act counted_file(enum kind kind, int file) {
    char path[PATH_MAX];
    int saved = errno;
    if (kind == WRITE && is_socket(file)) {
        errno = saved;
        return counted(SEND, "socket");
    }
    path_of(file, path);
    errno = saved;
    return counted(kind, path);
}

static size_t half(size_t count) {
    return count > 1 ? count / 2 : count;
}

ssize_t write(int file, const void *bytes, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (atomic_load(&full) == file) {
        atomic_store(&full, -1);
        errno = ENOSPC;
        return -1;
    }
    enum act act = counted_file(WRITE, file);
    if (act == FAIL) return -1;
    if (act == SHORT) atomic_store(&full, file);
    ssize_t done = real(file, bytes, act == SHORT || act == HALF ? half(count) : count);
    after(act);
    return done;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    enum act act = counted_file(WRITE, file);
    if (act == FAIL) return -1;
    ssize_t done = real(file, bytes, act == SHORT || act == HALF ? half(count) : count, at);
    after(act);
    return done;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    enum act act = counted_file(WRITE, file);
    if (act == FAIL) return -1;
    if (act == SHORT) atomic_store(&full, file);
    /* Half of a request: its first part, which is its head. */
    ssize_t done = real(file, parts, (act == SHORT || act == HALF) && count > 1 ? 1 : count);
    after(act);
    return done;
}

ssize_t send(int file, const void *bytes, size_t count, int flags) {
    REAL(ssize_t, "send", int, const void *, size_t, int);
    enum act act = counted(SEND, "socket");
    if (act == FAIL) return -1;
    ssize_t done = real(file, bytes, act == HALF || act == SHORT ? half(count) : count, flags);
    after(act);
    return done;
}

ssize_t sendto(int file, const void *bytes, size_t count, int flags, const struct sockaddr *to, socklen_t length) {
    REAL(ssize_t, "sendto", int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    enum act act = counted(SEND, "socket");
    if (act == FAIL) return -1;
    ssize_t done = real(file, bytes, act == HALF || act == SHORT ? half(count) : count, flags, to, length);
    after(act);
    return done;
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
    REAL(ssize_t, "sendmsg", int, const struct msghdr *, int);
    enum act act = counted(SEND, "socket");
    if (act == FAIL) return -1;
    ssize_t done = real(file, message, flags);
    after(act);
    return done;
}

#define SYNC_BY(name)                                     \
    int name(int file) {                                  \
        REAL(int, #name, int);                            \
        enum act act = counted_file(SYNC, file);          \
        if (act == FAIL || act == SHORT) return -1;       \
        int done = real(file);                            \
        if (done == 0) tell_file("synced", file);         \
        after(act);                                       \
        return done;                                      \
    }
SYNC_BY(fsync)
SYNC_BY(fdatasync)

int ftruncate64(int file, off64_t length) {
    REAL(int, "ftruncate64", int, off64_t);
    enum act act = counted_file(TRUNCATE, file);
    if (act == FAIL || act == SHORT) return -1;
    int done = real(file, length);
    if (done == 0) tell_file("cut", file);
    after(act);
    return done;
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    char path[PATH_MAX];
    whole(AT_FDCWD, to, path);
    enum act act = counted(RENAME, path);
    if (act == FAIL || act == SHORT) return -1;
    int done = real(from, to);
    if (done == 0) {
        char old[PATH_MAX];
        whole(AT_FDCWD, from, old);
        tell_renamed(old, path);
    }
    after(act);
    return done;
}

int unlink(const char *name) {
    REAL(int, "unlink", const char *);
    char path[PATH_MAX];
    whole(AT_FDCWD, name, path);
    enum act act = counted(UNLINK, path);
    if (act == FAIL || act == SHORT) return -1;
    int done = real(name);
    after(act);
    return done;
}

int unlinkat(int folder, const char *name, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    char path[PATH_MAX];
    whole(folder, name, path);
    enum act act = counted(UNLINK, path);
    if (act == FAIL || act == SHORT) return -1;
    int done = real(folder, name, flags);
    after(act);
    return done;
}

int mkdir(const char *name, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    char path[PATH_MAX];
    whole(AT_FDCWD, name, path);
    enum act act = counted(MKDIR, path);
    if (act == FAIL || act == SHORT) return -1;
    int done = real(name, mode);
    after(act);
    return done;
}

static int opened(int folder, const char *name, int flags, mode_t mode) {
    enum act act = PASS;
    if (flags & (O_WRONLY | O_RDWR | O_CREAT)) {
        char path[PATH_MAX];
        whole(folder, name, path);
        act = counted(OPEN, path);
        if (act == FAIL || act == SHORT) return -1;
    }
    REAL(int, "openat64", int, const char *, int, ...);
    int done = real(folder, name, flags, mode);
    if (done >= 0 && flags & (O_WRONLY | O_RDWR)) tell_file("opened", done);
    after(act);
    return done;
}

/* The mode is only passed when a file may be created. */
#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *name, int flags, ...) {
    MODE(flags)
    return opened(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...) {
    MODE(flags)
    return opened(AT_FDCWD, name, flags, mode);
}

int openat(int folder, const char *name, int flags, ...) {
    MODE(flags)
    return opened(folder, name, flags, mode);
}

int openat64(int folder, const char *name, int flags, ...) {
    MODE(flags)
    return opened(folder, name, flags, mode);
}
