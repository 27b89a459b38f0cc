//! The engine against the simulator.
