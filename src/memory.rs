//! How much memory the process keeps that it does not use.
//!
//! Limits: Linux with the GNU C library; other platforms keep what their own allocators do.

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

/// Returns to the system what was needed for a moment: what is free inside the heap (by itself the library only returns what is free at
/// its end), and the pages of the program that reading, collecting or starting ran through. Those that are needed again are mapped again
/// from the file's cache, in microseconds. It takes a millisecond or two, and may be called at any time, from any thread.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` takes a plain integer; the callback is called only before `dl_iterate_phdr` returns.
    unsafe {
        libc::malloc_trim(0);
        #[cfg(target_pointer_width = "64")]
        libc::dl_iterate_phdr(Some(program::give_back), std::ptr::null_mut());
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod program {
    use libc::{c_int, c_void, dl_phdr_info, size_t};

    /// Gives back the pages of the first object, which is the program; libraries are shared with other programs and stay.
    ///
    /// # Safety
    /// `info` describes an object that is loaded.
    pub(super) unsafe extern "C" fn give_back(info: *mut dl_phdr_info, _: size_t, _: *mut c_void) -> c_int {
        // SAFETY: the caller's promise; the headers are as many as it says.
        let (base, headers) = unsafe {
            let info = &*info;
            if info.dlpi_phdr.is_null() {
                return 1;
            }
            (info.dlpi_addr, std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)))
        };
        // SAFETY: a plain question.
        let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        // What was ever writable has pages that differ from the file: relocations, at least.
        let as_in_the_file = |header: &&libc::Elf64_Phdr| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0;
        for header in headers.iter().filter(as_in_the_file) {
            let begin = (base + header.p_vaddr).next_multiple_of(page);
            let end = (base + header.p_vaddr + header.p_memsz) / page * page;
            if end > begin {
                // SAFETY: whole pages of a mapping that is only read: they come back from the file as they are.
                unsafe { libc::madvise(begin as *mut c_void, (end - begin) as usize, libc::MADV_DONTNEED) };
            }
        }
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_there_when_it_is_needed_again() {
        let kept: Vec<String> = (0..1_000).map(|number| format!("text {number}")).collect();
        for _ in 0..3 {
            give_back();
            assert_eq!(kept[999], "text 999");
            assert!(kept.iter().map(String::len).sum::<usize>() > 7_000);
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
    fn pages_of_the_program_that_ran_for_a_moment_are_given_back() {
        // Other tests run meanwhile and map pages again, so the best of several.
        let mapped = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("RssFile:")).unwrap();
            line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
        };
        let fell = (0..20).any(|_| {
            let before = mapped();
            give_back();
            mapped() < before
        });
        assert!(fell, "{} kB of files are still mapped", mapped());
    }
}
