//! reviewer
