//! How much memory the process keeps that it does not use.
//!
//! Limits: settings of the GNU C library's allocator; other platforms keep what their own does.

/// One heap for all threads, and what is free at its end given back at once. By itself the library makes a heap a thread and
/// keeps tens of megabytes that a board of ten thousand cards needed for a moment. Nothing here allocates often enough to notice.
///
/// For the beginning of a process, before it has a second thread.
pub fn keep_little() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` takes plain integers and may be called at any time.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 128 * 1024);
    }
}
