//! The client against a small server of scripted answers: what it sends, and what it makes of everything that can come back.

mod approvals;
mod background;
mod faults;
mod histories;
mod hooks;
mod paging;
mod read_only;
mod recordings;
mod requests;
mod runs;
mod server;
mod signing_in;
mod tolerance;
mod versions;
mod work_items;
