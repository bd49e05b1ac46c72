#include "recorder/keeper_clock.h"

int64_t keeper_clock_look(struct keeper_clock *clock, int64_t wall_us, int64_t monotonic_us)
{
    const int64_t jump = (wall_us - clock->wall_us) - (monotonic_us - clock->monotonic_us);
    const bool first = clock->wall_us == 0 && clock->monotonic_us == 0;
    *clock = (struct keeper_clock){wall_us, monotonic_us};
    return first || (jump < KEEPER_CLOCK_JUMP_US && jump > -KEEPER_CLOCK_JUMP_US) ? 0 : jump;
}
