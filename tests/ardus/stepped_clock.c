/* Preloaded into a program, sets its wall clock by STEP_SECONDS, from the moment when the file STEP_FILE is there. By the system call alone: what
   sanitizers do first is to ask for the time, when no other function can be looked for. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec* now) {
  const long answer = syscall(SYS_clock_gettime, clock, now);
  if (clock != CLOCK_REALTIME || answer != 0) return (int)answer;
  const char* file = getenv("STEP_FILE");
  const char* seconds = getenv("STEP_SECONDS");
  const int before = errno;
  if (file && seconds && syscall(SYS_faccessat, AT_FDCWD, file, F_OK) == 0) now->tv_sec += atol(seconds);
  errno = before;
  return 0;
}
