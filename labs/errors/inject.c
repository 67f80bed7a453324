/*
 * Makes one system call fail. Preloaded (LD_PRELOAD) into a process of the lab; see README.md.
 *
 * A call is a point if it concerns what is sockref's: a path below SOCKREF_ERRORS_ROOT, the process table, or a descriptor
 * that came of these; a Unix socket; and what is made to start a process. What Node or Python do for themselves is left
 * alone. Points are counted while the library is armed: from the start of the process by
 *
 *   SOCKREF_ERRORS=CALL:NUMBER:ERRNO:HOW:LOG
 *
 * in the first process whose command has SOCKREF_ERRORS_ONLY in it; or by two calls that the process makes: access("/sockref-errors/arm/CALL:NUMBER:ERRNO:HOW:LOG") and
 * access("/sockref-errors/disarm"). The CALL with this NUMBER, such as the third `unlink`, fails with ERRNO (a number), once.
 * HOW is `error`; `short`: a write takes a half; `exec`: a fork succeeds, and its child cannot start the program. Each point is
 * a line in LOG: the call, its number, what it concerns, and `hit` at the one that failed. SOCKREF_ERRORS_FDS are descriptors
 * that are sockref's from the start.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC "/sockref-errors/"
#define MAX_FDS 65536
#define MAX_LOG (1 << 20)

enum how { HOW_ERROR, HOW_SHORT, HOW_EXEC };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned char ours[MAX_FDS];
static char root[PATH_MAX];
static volatile int armed;
static int at_once; /* the log is written line by line: the library is never disarmed */
static char wanted_call[16];
static long wanted;
/* How often each call was met; the names are literals of this file. */
static struct {
  const char *call;
  long count;
} counts[64];
static int error_number, how;
static char log_file[PATH_MAX];
static char log_text[MAX_LOG];
static size_t log_length;
static int exec_error; /* in a forked child: the program cannot be started */

/* The functions behind ours. */
#define REAL(result, name, ...) \
  typedef result (*name##_type)(__VA_ARGS__); \
  static name##_type real_##name(void) { \
    static name##_type found; \
    if (!found) found = (name##_type)dlsym(RTLD_NEXT, #name); \
    return found; \
  }
#define CALL(name) real_##name()

static void own(int fd, int is) {
  if (fd >= 0 && fd < MAX_FDS) ours[fd] = (unsigned char)is;
}

static void write_log(void) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  /* The file that had this number before was closed by a call that is not seen here. */
  own(fd, 0);
  if (syscall(SYS_write, fd, log_text, log_length) < 0) abort();
  syscall(SYS_close, fd);
  log_length = 0;
}

static void arm(const char *what) {
  char kind[8] = "";
  int length = 0;
  if (sscanf(what, "%15[a-z]:%ld:%d:%7[a-z]:%n", wanted_call, &wanted, &error_number, kind, &length) < 4) abort();
  snprintf(log_file, sizeof log_file, "%s", what + length);
  how = kind[0] == 's' ? HOW_SHORT : strcmp(kind, "exec") == 0 ? HOW_EXEC : HOW_ERROR;
  memset(counts, 0, sizeof counts);
  log_length = 0;
  armed = 1;
}

static void disarm(void) {
  armed = 0;
  write_log();
}

static void in_child(void) { armed = 0; }

/* Whether a text is in the command of this process; anything is if there is no text. */
static int is_program(const char *text) {
  if (!text) return 1;
  static char command[1 << 16];
  int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  long length = fd < 0 ? -1 : syscall(SYS_read, fd, command, sizeof command);
  if (fd >= 0) syscall(SYS_close, fd);
  return length > 0 && memmem(command, (size_t)length, text, strlen(text)) != NULL;
}

__attribute__((constructor)) static void begin(void) {
  const char *value = getenv("SOCKREF_ERRORS_ROOT");
  snprintf(root, sizeof root, "%s", value ? value : "/nonexistent");
  pthread_atfork(NULL, NULL, in_child);
  for (const char *at = getenv("SOCKREF_ERRORS_FDS"); at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : "") ours[atoi(at)] = 1;
  value = getenv("SOCKREF_ERRORS");
  if (!value || !is_program(getenv("SOCKREF_ERRORS_ONLY"))) return;
  at_once = 1;
  arm(value);
  /* Not in the children of this process, nor in a second process of its kind. */
  unsetenv("SOCKREF_ERRORS");
  int fd = (int)syscall(SYS_openat, AT_FDCWD, log_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  armed = fd >= 0;
  if (fd >= 0) syscall(SYS_close, fd);
}

/* Which paths are sockref's. */

static int is_fd(int fd) { return fd >= 0 && fd < MAX_FDS && ours[fd]; }

static int begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static int is_path(const char *path) {
  if (!path) return 0;
  if (begins(path, root)) return 1;
  if (begins(path, "/proc/self/fd/")) return is_fd(atoi(path + strlen("/proc/self/fd/")));
  /* The process table, and how many descriptors there are. */
  if (strcmp(path, "/proc") == 0) return 1;
  return begins(path, "/proc/") && path[6] >= '0' && path[6] <= '9';
}

__attribute__((noinline)) static int is_at(int directory, const char *path) {
  if (path && path[0] == '/') return is_path(path);
  return is_fd(directory);
}

static long count_of(const char *call) {
  size_t at = 0;
  while (counts[at].call && strcmp(counts[at].call, call) != 0) at++;
  counts[at].call = call;
  return ++counts[at].count;
}

/* Whether this call must fail: with which number, or -1 for a short one. */
static int point(const char *call, int fd, const char *path) {
  if (!armed) return 0;
  pthread_mutex_lock(&mutex);
  long count = count_of(call);
  int hit = count == wanted && strcmp(call, wanted_call) == 0;
  int room = (int)(MAX_LOG - log_length);
  int length = path ? snprintf(log_text + log_length, (size_t)room, "%s %ld %s%s\n", call, count, path, hit ? " hit" : "")
                    : snprintf(log_text + log_length, (size_t)room, "%s %ld fd%d%s\n", call, count, fd, hit ? " hit" : "");
  if (length < room) log_length += (size_t)length;
  if (at_once) write_log();
  pthread_mutex_unlock(&mutex);
  if (!hit) return 0;
  return how == HOW_SHORT ? -1 : error_number;
}

#define FAIL_IF(is, call, fd, path) \
  do { \
    int failed = (is) ? point(call, fd, path) : 0; \
    if (failed > 0) { \
      errno = failed; \
      return -1; \
    } \
  } while (0)

/* Paths. */

#define MODE_OF(flags, last) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { \
    va_list more; \
    va_start(more, last); \
    mode = (mode_t)va_arg(more, int); \
    va_end(more); \
  }

#define OPEN(name) \
  REAL(int, name, const char *, int, ...) \
  int name(const char *path, int flags, ...) { \
    MODE_OF(flags, flags) \
    int is = is_path(path); \
    FAIL_IF(is, flags &O_CREAT ? "create" : "open", -1, path); \
    int fd = CALL(name)(path, flags, mode); \
    own(fd, is); \
    return fd; \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
  REAL(int, name, int, const char *, int, ...) \
  int name(int directory, const char *path, int flags, ...) { \
    MODE_OF(flags, flags) \
    int is = is_at(directory, path); \
    FAIL_IF(is, flags &O_CREAT ? "create" : "open", -1, path); \
    int fd = CALL(name)(directory, path, flags, mode); \
    own(fd, is); \
    return fd; \
  }
OPENAT(openat)
OPENAT(openat64)

#define PATH1(call, name) \
  REAL(int, name, const char *) \
  int name(const char *path) { \
    FAIL_IF(is_path(path), call, -1, path); \
    return CALL(name)(path); \
  }
PATH1("unlink", unlink)
PATH1("rmdir", rmdir)

#define PATH_MODE(call, name) \
  REAL(int, name, const char *, mode_t) \
  int name(const char *path, mode_t mode) { \
    FAIL_IF(is_path(path), call, -1, path); \
    return CALL(name)(path, mode); \
  }
PATH_MODE("mkdir", mkdir)
PATH_MODE("chmod", chmod)

#define PATH2(call, name) \
  REAL(int, name, const char *, const char *) \
  int name(const char *from, const char *to) { \
    FAIL_IF(is_path(from) || is_path(to), call, -1, to); \
    return CALL(name)(from, to); \
  }
PATH2("link", link)
PATH2("link", symlink)
PATH2("rename", rename)

REAL(int, linkat, int, const char *, int, const char *, int)
int linkat(int a, const char *from, int b, const char *to, int flags) {
  FAIL_IF(is_at(a, from) || is_at(b, to), "link", -1, to);
  return CALL(linkat)(a, from, b, to, flags);
}

REAL(int, renameat, int, const char *, int, const char *)
int renameat(int a, const char *from, int b, const char *to) {
  FAIL_IF(is_at(a, from) || is_at(b, to), "rename", -1, to);
  return CALL(renameat)(a, from, b, to);
}

REAL(int, unlinkat, int, const char *, int)
int unlinkat(int directory, const char *path, int flags) {
  FAIL_IF(is_at(directory, path), flags & AT_REMOVEDIR ? "rmdir" : "unlink", -1, path);
  return CALL(unlinkat)(directory, path, flags);
}

REAL(int, mkdirat, int, const char *, mode_t)
int mkdirat(int directory, const char *path, mode_t mode) {
  FAIL_IF(is_at(directory, path), "mkdir", -1, path);
  return CALL(mkdirat)(directory, path, mode);
}

REAL(int, fchmodat, int, const char *, mode_t, int)
int fchmodat(int directory, const char *path, mode_t mode, int flags) {
  FAIL_IF(is_at(directory, path), "chmod", -1, path);
  return CALL(fchmodat)(directory, path, mode, flags);
}

#define STAT(name, type) \
  REAL(int, name, const char *, struct type *) \
  int name(const char *path, struct type *to) { \
    FAIL_IF(is_path(path), "stat", -1, path); \
    return CALL(name)(path, to); \
  }
STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)

#define STATAT(name, type) \
  REAL(int, name, int, const char *, struct type *, int) \
  int name(int directory, const char *path, struct type *to, int flags) { \
    FAIL_IF(is_at(directory, path), "stat", -1, path); \
    return CALL(name)(directory, path, to, flags); \
  }
STATAT(fstatat, stat)
STATAT(fstatat64, stat64)

REAL(int, statx, int, const char *restrict, int, unsigned int, struct statx *restrict)
int statx(int directory, const char *restrict path, int flags, unsigned int mask, struct statx *restrict to) {
  FAIL_IF(is_at(directory, path), "stat", directory, *path ? path : NULL);
  return CALL(statx)(directory, path, flags, mask, to);
}

/* Older programs have the version of the structure in front. */
#define XSTAT(name, first, is, path) \
  REAL(int, name, int, first, struct stat64 *) \
  int name(int version, first what, struct stat64 *to) { \
    FAIL_IF(is, "stat", -1, path); \
    return CALL(name)(version, what, to); \
  }
XSTAT(__xstat64, const char *, is_path(what), what)
XSTAT(__lxstat64, const char *, is_path(what), what)
XSTAT(__fxstat64, int, is_fd(what), "")

REAL(ssize_t, readlink, const char *, char *, size_t)
ssize_t readlink(const char *path, char *to, size_t size) {
  FAIL_IF(is_path(path), "readlink", -1, path);
  return CALL(readlink)(path, to, size);
}

REAL(char *, realpath, const char *, char *)
char *realpath(const char *path, char *to) {
  int failed = is_path(path) ? point("realpath", -1, path) : 0;
  if (failed > 0) {
    errno = failed;
    return NULL;
  }
  return CALL(realpath)(path, to);
}

REAL(char *, getcwd, char *, size_t)
char *getcwd(char *to, size_t size) {
  int failed = point("getcwd", -1, NULL);
  if (failed > 0) {
    errno = failed;
    return NULL;
  }
  return CALL(getcwd)(to, size);
}

REAL(DIR *, opendir, const char *)
DIR *opendir(const char *path) {
  int is = is_path(path);
  int failed = is ? point("opendir", -1, path) : 0;
  if (failed > 0) {
    errno = failed;
    return NULL;
  }
  DIR *opened = CALL(opendir)(path);
  if (opened) own(dirfd(opened), is);
  return opened;
}

REAL(int, closedir, DIR *)
int closedir(DIR *opened) {
  own(dirfd(opened), 0);
  return CALL(closedir)(opened);
}

REAL(struct dirent64 *, readdir64, DIR *)
struct dirent64 *readdir64(DIR *opened) {
  int failed = is_fd(dirfd(opened)) ? point("readdir", dirfd(opened), NULL) : 0;
  if (failed > 0) {
    errno = failed;
    return NULL;
  }
  return CALL(readdir64)(opened);
}

REAL(int, scandir64, const char *, struct dirent64 ***, int (*)(const struct dirent64 *),
     int (*)(const struct dirent64 **, const struct dirent64 **))
int scandir64(const char *path, struct dirent64 ***to, int (*filter)(const struct dirent64 *),
              int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
  FAIL_IF(is_path(path), "opendir", -1, path);
  return CALL(scandir64)(path, to, filter, compare);
}

REAL(int, access, const char *, int)
int access(const char *path, int mode) {
  if (begins(path, MAGIC "arm/")) return arm(path + strlen(MAGIC "arm/")), 0;
  if (strcmp(path, MAGIC "disarm") == 0) return disarm(), 0;
  FAIL_IF(is_path(path), "access", -1, path);
  return CALL(access)(path, mode);
}

/* Descriptors. */

REAL(int, close, int)
int close(int fd) {
  int failed = is_fd(fd) ? point("close", fd, NULL) : 0;
  own(fd, 0);
  int result = CALL(close)(fd);
  /* The descriptor is closed in any case, as on Linux. */
  if (failed > 0) {
    errno = failed;
    return -1;
  }
  return result;
}

#define FSTAT(name, type) \
  REAL(int, name, int, struct type *) \
  int name(int fd, struct type *to) { \
    FAIL_IF(is_fd(fd), "stat", fd, NULL); \
    return CALL(name)(fd, to); \
  }
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

REAL(int, fchmod, int, mode_t)
int fchmod(int fd, mode_t mode) {
  FAIL_IF(is_fd(fd), "chmod", fd, NULL);
  return CALL(fchmod)(fd, mode);
}

#define TRUNCATE(name, type) \
  REAL(int, name, int, type) \
  int name(int fd, type length) { \
    FAIL_IF(is_fd(fd), "truncate", fd, NULL); \
    return CALL(name)(fd, length); \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name) \
  REAL(int, name, int) \
  int name(int fd) { \
    FAIL_IF(is_fd(fd), "sync", fd, NULL); \
    return CALL(name)(fd); \
  }
SYNC(fsync)
SYNC(fdatasync)

REAL(int, flock, int, int)
int flock(int fd, int operation) {
  FAIL_IF(is_fd(fd), operation & LOCK_UN ? "unlock" : "lock", fd, NULL);
  return CALL(flock)(fd, operation);
}

/* Whether a descriptor is a socket: reading and writing it fails in other ways. */
static int is_socket(int fd) {
  struct stat what;
  return CALL(fstat)(fd, &what) == 0 && S_ISSOCK(what.st_mode);
}

static const char *lock_call(int command, void *argument) {
  if (command != F_SETLK && command != F_SETLKW && command != F_OFD_SETLK && command != F_OFD_SETLKW) return NULL;
  return ((struct flock *)argument)->l_type == F_UNLCK ? "unlock" : "lock";
}

#define FCNTL(name) \
  REAL(int, name, int, int, ...) \
  int name(int fd, int command, ...) { \
    va_list more; \
    va_start(more, command); \
    void *argument = va_arg(more, void *); \
    va_end(more); \
    int is = is_fd(fd); \
    int is_dup = command == F_DUPFD || command == F_DUPFD_CLOEXEC; \
    const char *call = is_dup ? "dup" : lock_call(command, argument); \
    FAIL_IF(is &&call, call, fd, NULL); \
    int result = CALL(name)(fd, command, argument); \
    if (is_dup) own(result, is); \
    return result; \
  }
FCNTL(fcntl)
FCNTL(fcntl64)

#define READ(name, call, signature, ...) \
  REAL(ssize_t, name, signature) \
  ssize_t name(signature) { \
    FAIL_IF(is_fd(fd), call, fd, NULL); \
    return CALL(name)(__VA_ARGS__); \
  }
#define COMMA ,
READ(read, is_socket(fd) ? "receive" : "read", int fd COMMA void *to COMMA size_t size, fd, to, size)
READ(pread, "read", int fd COMMA void *to COMMA size_t size COMMA off_t at, fd, to, size, at)
READ(pread64, "read", int fd COMMA void *to COMMA size_t size COMMA off64_t at, fd, to, size, at)
READ(readv, is_socket(fd) ? "receive" : "read", int fd COMMA const struct iovec *to COMMA int parts, fd, to, parts)
READ(preadv64, "read", int fd COMMA const struct iovec *to COMMA int parts COMMA off64_t at, fd, to, parts, at)
READ(recv, "receive", int fd COMMA void *to COMMA size_t size COMMA int flags, fd, to, size, flags)
READ(recvmsg, "receive", int fd COMMA struct msghdr *to COMMA int flags, fd, to, flags)
READ(writev, is_socket(fd) ? "send" : "writev", int fd COMMA const struct iovec *from COMMA int parts, fd, from, parts)
READ(pwritev64, "writev", int fd COMMA const struct iovec *from COMMA int parts COMMA off64_t at, fd, from, parts, at)
READ(sendmsg, "send", int fd COMMA const struct msghdr *from COMMA int flags, fd, from, flags)
READ(send, "send", int fd COMMA const void *from COMMA size_t size COMMA int flags, fd, from, size, flags)

/* A short write accepts a half. */
#define WRITE(name, signature, ...) \
  REAL(ssize_t, name, signature) \
  ssize_t name(signature) { \
    int failed = is_fd(fd) ? point(is_socket(fd) ? "send" : "write", fd, NULL) : 0; \
    if (failed > 0) { \
      errno = failed; \
      return -1; \
    } \
    if (failed < 0 && size > 1) size /= 2; \
    return CALL(name)(__VA_ARGS__); \
  }
WRITE(write, int fd COMMA const void *from COMMA size_t size, fd, from, size)
WRITE(pwrite, int fd COMMA const void *from COMMA size_t size COMMA off_t at, fd, from, size, at)
WRITE(pwrite64, int fd COMMA const void *from COMMA size_t size COMMA off64_t at, fd, from, size, at)

/* Sockets. */

REAL(int, socket, int, int, int)
int socket(int domain, int type, int protocol) {
  int is = domain == AF_UNIX;
  FAIL_IF(is, "socket", -1, NULL);
  int fd = CALL(socket)(domain, type, protocol);
  own(fd, is);
  return fd;
}

/*
 * The ends of a pipe are libuv's: its signals and the start of a process go through them. While Node starts it makes some, and
 * ends at once if it cannot. The second end of a pair is a child's: libuv aborts if it cannot close that, which never fails for a
 * socket.
 */
#define PAIR(name, call, mine, signature, ...) \
  REAL(int, name, signature) \
  int name(signature) { \
    int is = armed && (mine || !at_once); \
    FAIL_IF(is, call, -1, NULL); \
    int result = CALL(name)(__VA_ARGS__); \
    if (result == 0) own(ends[0], is && mine), own(ends[1], 0); \
    return result; \
  }
PAIR(socketpair, "socketpair", 1, int domain COMMA int type COMMA int protocol COMMA int ends[2], domain, type, protocol, ends)
PAIR(pipe, "pipe", 0, int ends[2], ends)
PAIR(pipe2, "pipe", 0, int ends[2] COMMA int flags, ends, flags)

/* The same is true of these. */
#define FRESH(name, signature, ...) \
  REAL(int, name, signature) \
  int name(signature) { \
    int fd = CALL(name)(__VA_ARGS__); \
    own(fd, 0); \
    return fd; \
  }
FRESH(eventfd, unsigned int start COMMA int flags, start, flags)
FRESH(epoll_create1, int flags, flags)

REAL(int, bind, int, const struct sockaddr *, socklen_t)
int bind(int fd, const struct sockaddr *to, socklen_t length) {
  FAIL_IF(is_fd(fd), "bind", fd, NULL);
  return CALL(bind)(fd, to, length);
}

REAL(int, connect, int, const struct sockaddr *, socklen_t)
int connect(int fd, const struct sockaddr *to, socklen_t length) {
  FAIL_IF(is_fd(fd), "connect", fd, NULL);
  return CALL(connect)(fd, to, length);
}

REAL(int, listen, int, int)
int listen(int fd, int backlog) {
  FAIL_IF(is_fd(fd), "listen", fd, NULL);
  return CALL(listen)(fd, backlog);
}

#define ACCEPT(name, signature, ...) \
  REAL(int, name, signature) \
  int name(signature) { \
    int is = is_fd(fd); \
    FAIL_IF(is, "accept", fd, NULL); \
    int accepted = CALL(name)(__VA_ARGS__); \
    own(accepted, is); \
    return accepted; \
  }
ACCEPT(accept, int fd COMMA struct sockaddr *from COMMA socklen_t *length, fd, from, length)
ACCEPT(accept4, int fd COMMA struct sockaddr *from COMMA socklen_t *length COMMA int flags, fd, from, length, flags)

/* Processes. */

REAL(pid_t, fork, void)
pid_t fork(void) {
  int failed = point("fork", -1, NULL);
  if (failed > 0 && how != HOW_EXEC) {
    errno = failed;
    return -1;
  }
  pid_t pid = CALL(fork)();
  if (pid == 0) exec_error = failed;
  return pid;
}

#define EXEC(name, signature, ...) \
  REAL(int, name, signature) \
  int name(signature) { \
    if (exec_error) { \
      errno = exec_error; \
      return -1; \
    } \
    return CALL(name)(__VA_ARGS__); \
  }
EXEC(execvp, const char *file COMMA char *const argv[], file, argv)
EXEC(execve, const char *file COMMA char *const argv[] COMMA char *const env[], file, argv, env)
EXEC(execv, const char *file COMMA char *const argv[], file, argv)

REAL(int, kill, pid_t, int)
int kill(pid_t pid, int signal) {
  FAIL_IF(1, signal == 0 ? "probe" : "kill", (int)pid, NULL);
  return CALL(kill)(pid, signal);
}

/* libuv makes some of its calls by number. */
REAL(long, syscall, long, ...)
long syscall(long number, ...) {
  long a[6];
  va_list more;
  va_start(more, number);
  for (int at = 0; at < 6; at++) a[at] = va_arg(more, long);
  va_end(more);
  if (number == SYS_close) return close((int)a[0]);
  if (number == SYS_statx) {
    const char *path = (const char *)a[1];
    FAIL_IF(is_at((int)a[0], path), "stat", (int)a[0], path && *path ? path : NULL);
  }
  if (number == SYS_flock) return flock((int)a[0], (int)a[1]);
  return CALL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
