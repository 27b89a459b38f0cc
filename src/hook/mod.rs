//! The webhook receiver: authenticates from the headers, keeps the delivery, acknowledges it, wakes whoever applies it.
