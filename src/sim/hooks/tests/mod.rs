//! Real receivers on loopback: schedule, probation, filters, history, faults, permissions.
