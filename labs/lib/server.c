/*
 * The smallest server, for labs that start thousands: tells each client its name, and closes.
 *
 *   server PATH [LEDGER]
 *
 * Listens at PATH, or on the descriptor that it inherits (LISTEN_FDS). Adds its pid to the LEDGER.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int listening(const char *path) {
  const char *pid = getenv("LISTEN_PID");
  if (getenv("LISTEN_FDS")) return pid && atoi(pid) == getpid() ? 3 : -1;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return -1;
  return listen(fd, 4096) == 0 ? fd : -1;
}

int main(int argc, char **argv) {
  char who[64], pid[32];
  struct timespec now;
  if (argc < 2) return 2;
  if (argc > 2) {
    int ledger = open(argv[2], O_WRONLY | O_APPEND | O_CREAT, 0600);
    int length = snprintf(pid, sizeof pid, "%d\n", getpid());
    if (ledger < 0 || write(ledger, pid, length) != length) return 3;
    close(ledger);
  }
  int fd = listening(argv[1]);
  if (fd < 0) {
    perror(argv[1]);
    return 1;
  }
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length = snprintf(who, sizeof who, "%d/%llx\n", getpid(), now.tv_sec * 1000000000ull + now.tv_nsec);
  for (;;) {
    int client = accept(fd, NULL, NULL);
    if (client < 0 && errno != EINTR && errno != ECONNABORTED) return 1;
    if (client < 0) continue;
    send(client, who, length, MSG_NOSIGNAL);
    close(client);
  }
}
