"""What bounds are told in: sizes, and what often happens beyond one."""

MIB = 1024 * 1024
SUBTITLE = "the line is shown as a subtitle, with `engine_timeout`"
REPLACED = "the process is killed and replaced"
WAITS = "what comes next waits"
ENGINE_ERROR = "`engine_stopped`"
TIMED_OUT = "`engine_timeout`"
