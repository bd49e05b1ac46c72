/* The wall clock as it is, and whether it jumped: by how much it moved otherwise than the
 * monotonic clock since it was looked at last.  Waiting goes by the monotonic one alone.
 */
#ifndef PROCTOR_RECORDER_KEEPER_CLOCK_H
#define PROCTOR_RECORDER_KEEPER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Less than that is how clocks are set right, a little at a time. */
#define KEEPER_CLOCK_JUMP_US 1000000

struct keeper_clock {
    int64_t wall_us, monotonic_us; /* when it was looked at last; both 0: never */
};

/* Takes note of both clocks; returns by how much the wall clock jumped, 0: it did not. */
int64_t keeper_clock_look(struct keeper_clock *clock, int64_t wall_us, int64_t monotonic_us);

#endif
