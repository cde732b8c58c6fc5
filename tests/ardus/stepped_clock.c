/* Preloaded into a program, sets its wall clock by STEP_SECONDS, from the moment when the file STEP_FILE is there; with STEP_ALL its monotonic clock
   too, as if so much time had passed. By system calls alone: what sanitizers do first is to ask for the time, when no other function can be looked for. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static long step(void) {
  const char* file = getenv("STEP_FILE");
  const char* seconds = getenv("STEP_SECONDS");
  const int before = errno;
  const long stepped = file && seconds && syscall(SYS_faccessat, AT_FDCWD, file, F_OK) == 0 ? atol(seconds) : 0;
  errno = before;
  return stepped;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  const long answer = syscall(SYS_clock_gettime, clock, now);
  if (answer == 0 && (clock == CLOCK_REALTIME || (clock == CLOCK_MONOTONIC && getenv("STEP_ALL")))) now->tv_sec += step();
  return (int)answer;
}

/* What is to ring at a time of the stepped clock is asked of the kernel's. */
int timerfd_settime(int fd, int flags, const struct itimerspec* wanted, struct itimerspec* old) {
  struct itimerspec at = *wanted;
  const int rings = at.it_value.tv_sec != 0 || at.it_value.tv_nsec != 0;
  if ((flags & TFD_TIMER_ABSTIME) != 0 && rings && getenv("STEP_ALL")) {
    at.it_value.tv_sec -= step();
    if (at.it_value.tv_sec <= 0) at.it_value.tv_sec = 0, at.it_value.tv_nsec = 1;
  }
  return (int)syscall(SYS_timerfd_settime, fd, flags, &at, old);
}
