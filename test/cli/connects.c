/* Preloaded: writes a line to CONNECT_LOG whenever the process connects to an address of the internet or asks
 * for the address of a name. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void note(const char* what) {
  FILE* log = fopen(getenv("CONNECT_LOG"), "a");
  if (!log) abort();
  fprintf(log, "%s\n", what);
  fclose(log);
}

int connect(int fd, const struct sockaddr* address, socklen_t length) {
  static int (*real)(int, const struct sockaddr*, socklen_t);
  if (!real) real = dlsym(RTLD_NEXT, "connect");
  if (address->sa_family == AF_INET || address->sa_family == AF_INET6) note("connect");
  return real(fd, address, length);
}

int getaddrinfo(const char* node, const char* service, const struct addrinfo* hints, struct addrinfo** out) {
  static int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**);
  if (!real) real = dlsym(RTLD_NEXT, "getaddrinfo");
  note("getaddrinfo");
  return real(node, service, hints, out);
}
