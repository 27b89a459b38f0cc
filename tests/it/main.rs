//! Integration tests: the real binary, the simulator over TCP, real git.

mod floors;
